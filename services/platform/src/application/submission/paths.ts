import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, resolve } from 'node:path';

/** Where the paths of a document lead to on this machine. */
export interface Places {
  absolute(path: string): string;
}

export function placesFrom(baseDirectory: string): Places {
  return {
    absolute(path) {
      if (path === '~' || path.startsWith('~/')) return resolve(homedir(), path.slice(2));
      return isAbsolute(path) ? resolve(path) : resolve(baseDirectory, path);
    },
  };
}

/** What is wrong with a path that must be a file or a folder; null: nothing. */
export async function missingFile(
  path: string,
  kind: 'file' | 'folder',
): Promise<{ message: string; fix: string } | null> {
  try {
    const info = await stat(path);
    if (kind === 'file' ? info.isFile() : info.isDirectory()) return null;
    return { message: `${path} is not a ${kind}`, fix: `name a ${kind}` };
  } catch (error) {
    const denied = (error as NodeJS.ErrnoException).code === 'EACCES';
    return denied
      ? { message: `${path} may not be read by the server`, fix: 'give the server permission to read it' }
      : {
          message: `${path} does not exist on the server`,
          fix: 'correct the path; relative ones start from the document',
        };
  }
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another process holds the folder. */
export class DirectoryLocked extends Error {
  override name = 'DirectoryLocked';
}

/**
 * Takes a folder for this process alone until `release` or the process's end.
 *
 * The lock is SQLite's exclusive lock on a small file: an operating-system lock on every platform, so the kernel frees
 * it even after `kill -9` and no stale file is ever in the way.
 *
 * @throws DirectoryLocked when another process (or another caller in this one) has it
 */
export function lockDirectory(directory: string, name = 'lock'): { release(): void } {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, name);
  const handle = new DatabaseSync(file);
  try {
    handle.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (cause) {
    handle.close();
    throw new DirectoryLocked(
      `${directory} is in use by another process. Stop that one first, or choose another data directory.`,
      { cause },
    );
  }
  return { release: () => handle.close() };
}

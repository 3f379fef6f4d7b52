/** The workflow bundle: built once for given sources, which takes seconds, and kept. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const WORKFLOWS = fileURLToPath(import.meta.resolve('@lamina/workflows/index.ts'));
const BUILDER = fileURLToPath(new URL('build-bundle.ts', import.meta.url));
const DOMAIN = fileURLToPath(import.meta.resolve('@lamina/domain/run/protocol/step.ts'));

/** Folder of bundles that were built with an image. */
export const builtBundles = fileURLToPath(new URL('../dist', import.meta.url));

export interface WorkflowBundle {
  readonly code: string;
  /** Tells builds apart whose workflows differ: a hash of everything that may end up in the code. */
  readonly buildId: string;
}

/** `cacheFolder`: where bundles are kept by their build id. @throws Error with what the bundler has said */
export async function workflowBundle(cacheFolder: string): Promise<WorkflowBundle> {
  const buildId = await sourceHash();
  const name = `workflows-${buildId}.js`;
  const built = [builtBundles, cacheFolder].map((folder) => join(folder, name)).find(existsSync);
  const path = built ?? join(cacheFolder, name);
  if (built === undefined) {
    await mkdir(cacheFolder, { recursive: true });
    const temporary = `${path}.${process.pid}.part`;
    await promisify(execFile)(process.execPath, [BUILDER, WORKFLOWS, temporary]);
    await rename(temporary, path);
  }
  return { code: await readFile(path, 'utf8'), buildId };
}

/** Over everything that may end up in the bundle. */
async function sourceHash(): Promise<string> {
  const hash = createHash('sha256').update(require('@temporalio/worker/package.json').version as string);
  for (const root of [dirname(WORKFLOWS), join(dirname(DOMAIN), '../..')]) {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.includes('node_modules'))
      .sort();
    for (const path of files) hash.update(relative(root, path)).update(await readFile(path));
  }
  return hash.digest('hex').slice(0, 16);
}

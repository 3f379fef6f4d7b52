/** Builds the dashboard and the report, and prints what a visitor has to load before seeing anything. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

/** Gzipped scripts and styles that the first page needs; more than this fails the build. */
const INITIAL_BUDGET_KB = 150;

const root = import.meta.dirname;
await build({ configFile: join(root, 'vite.config.ts') });
await build({ configFile: join(root, 'vite.report.config.ts') });

const html = await readFile(join(root, 'dist/index.html'), 'utf8');
const files = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((match) => match[1] ?? '');
const sizes = await Promise.all(
  files.map(async (file) => gzipSync(await readFile(join(root, 'dist', file))).length / 1000),
);
const total = sizes.reduce((sum, size) => sum + size, 0);
console.log(
  `initial scripts and styles: ${total.toFixed(1)} kB gzip in ${files.length} files (limit ${INITIAL_BUDGET_KB})`,
);
if (total > INITIAL_BUDGET_KB) {
  console.error('The dashboard has grown beyond its limit: load the addition lazily, or raise the limit on purpose.');
  process.exitCode = 1;
}

/**
 * Builds the dashboard (dist/) and the report (dist-report/report.html: one self-contained file into which the API
 * puts a comparison), and prints what a visitor has to load before seeing anything.
 * The first argument is a folder to build into in place of this one.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { build } from 'vite';
import { viteSingleFile } from 'vite-plugin-singlefile';

/** Gzipped scripts and styles that the first page needs; more than this fails the build. */
const INITIAL_LIMIT_KB = 150;

const source = import.meta.dirname;
const target = resolve(process.argv[2] ?? source);
const dashboard = join(target, 'dist');

await build({ configFile: join(source, 'vite.config.ts'), build: { outDir: dashboard, emptyOutDir: true } });
await build({
  configFile: false,
  root: source,
  publicDir: false,
  plugins: [react(), viteSingleFile()],
  build: {
    outDir: join(target, 'dist-report'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rolldownOptions: { input: join(source, 'report.html') },
  },
});

// Writes each file's compressed forms next to it, for a server that hands them out as they are.
for (const entry of await readdir(dashboard, { recursive: true })) {
  if (!/\.(?:js|css|html|svg)$/.test(entry)) continue;
  const content = await readFile(join(dashboard, entry));
  await writeFile(join(dashboard, `${entry}.br`), brotliCompressSync(content));
  await writeFile(join(dashboard, `${entry}.gz`), gzipSync(content));
}

const html = await readFile(join(dashboard, 'index.html'), 'utf8');
const files = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((match) => match[1] ?? '');
const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(join(dashboard, file))).length));
const total = sizes.reduce((sum, size) => sum + size, 0) / 1000;
process.stdout.write(
  `first page: ${total.toFixed(1)} kB gzip of scripts and styles in ${files.length} files (limit ${INITIAL_LIMIT_KB})\n`,
);
if (total > INITIAL_LIMIT_KB) {
  throw new Error(
    'The first page has grown beyond its limit: load the addition lazily, or raise the limit on purpose.',
  );
}

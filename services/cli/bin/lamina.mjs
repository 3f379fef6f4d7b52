#!/usr/bin/env node
// Node 24 runs TypeScript as it is. An older one hands over to the Node that `npm install` put next to the packages.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) {
  const { main } = await import('../src/main.ts');
  await main();
} else {
  const node = newerNode();
  if (node === null) {
    process.stderr.write(`lamina needs Node 24, this is ${process.versions.node}. Run: npm install\n`);
    process.exitCode = 2;
  } else {
    const { status, signal } = spawnSync(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: 'inherit',
    });
    if (signal) process.kill(process.pid, signal);
    process.exitCode = status ?? 1;
  }
}

function newerNode() {
  for (let folder = here; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', '.bin', 'node');
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return null;
  }
}

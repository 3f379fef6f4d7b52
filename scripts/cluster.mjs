#!/usr/bin/env node
/** `npm run cluster:up|down|status`: a real Kubernetes on this machine, for tests; see tests/cluster/README.md. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { paths, root } from './lib/paths.mjs';
import { setup } from './setup.mjs';

try {
  if (!existsSync(paths.node)) await setup({ development: true, model: false });
  const child = spawn(paths.node, [join(root, 'tests/cluster/main.ts'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

#!/usr/bin/env node
/** `npm run bench -- NAME [options]`: runs one benchmark; its last line is JSON with its figures. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { developmentEnvironment } from './lib/development.mjs';
import { paths, root } from './lib/paths.mjs';
import { setup } from './setup.mjs';

const folder = join(root, 'tests/bench');
const [name, ...options] = process.argv.slice(2);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace(/\.ts$/, ''));

if (name === undefined || !names.includes(name)) {
  console.error(`npm run bench -- NAME [options], where NAME is one of: ${names.join(', ')}`);
  process.exitCode = 2;
} else {
  try {
    const installed = await setup({ development: true, say: console.error });
    const child = spawn(paths.node, [join(folder, `${name}.ts`), ...options], {
      stdio: 'inherit',
      env: developmentEnvironment(installed),
    });
    child.once('exit', (code) => {
      process.exitCode = code ?? 1;
    });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

#!/usr/bin/env node
/** `node scripts/trainer.mjs COMMAND …`: a command of the trainer, in the environment that `npm start` sets up. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { paths } from './lib/paths.mjs';
import { setup } from './setup.mjs';

const { python } = await setup({ model: false, say: console.error });
const child = spawn(python, ['-m', 'lamina_trainer', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, PYTHONPATH: join(paths.trainer, 'src') },
});
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});

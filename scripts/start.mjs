#!/usr/bin/env node
/** `npm start`: sets up what is missing, then serves and runs the quickstart. Runs on Node ≥ 20 with nothing installed. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { paths, root } from './lib/paths.mjs';
import { setup } from './setup.mjs';

const startedAtMs = Date.now();

/** Trials in a cluster need no environment on this machine. */
function inCluster(args) {
  const options = ['--cluster', '--runner=kubernetes'];
  const named = args.some((arg) => options.includes(arg) || arg.startsWith('--cluster='));
  return named || args[args.indexOf('--runner') + 1] === 'kubernetes' || process.env.LAMINA_RUNNER === 'kubernetes';
}

try {
  const { node, python, temporal, trainer, trainerCache } = await setup({ trainer: !inCluster(process.argv.slice(2)) });
  const child = spawn(node, [join(root, 'services/standalone/src/start.ts'), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: {
      LAMINA_TRAINER: trainer,
      LAMINA_TRAINER_CACHE: trainerCache,
      ...process.env,
      PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
      LAMINA_TRAINER_PYTHON: python,
      LAMINA_TEMPORAL: temporal,
      LAMINA_STARTED_AT_MS: String(startedAtMs),
    },
  });
  // Ctrl-C reaches the whole group: the service closes and we wait for it. A SIGTERM to us alone is passed on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.once('error', (error) => {
    console.error(`${paths.node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 130);
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error?.exitCode ?? 1;
}

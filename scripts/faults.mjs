#!/usr/bin/env node
/**
 * `npm run test:faults`: every fault of tests/cluster/faults on the test cluster, five times each, and a table of what
 * came of it. LAMINA_FAULTS_TIMES, LAMINA_FAULTS_SEED, LAMINA_FAULTS_OUTAGE and LAMINA_FAULTS_ONLY change what is done.
 */
import { spawn } from 'node:child_process';
import { testCluster } from './lib/cluster.mjs';
import { developmentEnvironment } from './lib/development.mjs';
import { paths, root } from './lib/paths.mjs';
import { setup } from './setup.mjs';

const TIMES = '5';
const OUTAGE_SECONDS = '60';
const say = (line) => console.error(line);

try {
  const installed = await setup({ development: true, model: false, say });
  const cluster = testCluster(say);
  const failure = await cluster.up();
  if (failure !== null) throw new Error(failure);
  try {
    const defaults = { LAMINA_FAULTS_TIMES: TIMES, LAMINA_FAULTS_OUTAGE: OUTAGE_SECONDS };
    const env = { ...defaults, OMP_NUM_THREADS: '1', ...developmentEnvironment(installed) };
    const options = ['--test', '--test-concurrency=1', '--test-reporter=spec', 'tests/cluster/faults/*.test.ts'];
    const child = spawn(paths.node, options, { cwd: root, env, stdio: 'inherit' });
    process.exitCode = await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  } finally {
    await cluster.down();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

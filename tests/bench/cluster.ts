/**
 * Jobs per second on a farm of 500 fake nodes with eight GPUs each, from submission to the last result collected:
 * Lamina, against a bare loop that creates the same Jobs and waits for them, the same loop through Kueue, and Katib, which
 * gets as much time as the slowest of them took.
 *
 * Usage: cluster.ts [--trials 5000] [--parallel 200] [--nodes 500] [--only bare,cleanup,lamina,kueue,katib]
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { type Cluster, cluster } from '../support/cluster.ts';
import { bareLoop, type Figures } from './support/cluster/bare.ts';
import { farmSettings, openFarm, openNamespace } from './support/cluster/farm.ts';
import { katib } from './support/cluster/katib.ts';
import { lamina } from './support/cluster/lamina.ts';

const TARGETS = { ofBare: 0.9, ofKatib: 5, requestsPerTrial: 6, workerBytes: 600e6 };
const GPUS_PER_NODE = 8;
/** Katib's time where nothing else was measured. */
const KATIB_SECONDS = 120;

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '5000' },
    parallel: { type: 'string', default: '200' },
    nodes: { type: 'string', default: '500' },
    only: { type: 'string', default: 'bare,lamina,kueue,katib' },
  },
});
const only = values.only.split(',');
const [trials, parallel, nodes] = [Number(values.trials), Number(values.parallel), Number(values.nodes)];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const here = await found();
const root = mkdtempSync(join(tmpdir(), 'lamina-farm-'));
chmodSync(root, 0o755);
// It looks at all Jobs, also at those that it does not queue.
await here.kueue.stop();
const farm = await openFarm(here, nodes);
let passed = true;
try {
  const bare = await measure('bare', (settings) => bareLoop({ ...common(settings), jobs: trials, cleanup: false }));
  const cleanup = await measure('cleanup', (settings) =>
    bareLoop({ ...common(settings), jobs: trials, cleanup: true }),
  );
  const ours = await measure('lamina', (settings) => lamina({ ...common(settings), artifactRoot: root, trials }));
  if (ours !== null)
    say(
      `  worker: ${megabytes(ours.peakRssBytes)} MB at most, ${megabytes(ours.idleRssBytes)} MB at first; Jobs gone after another ${ours.cleanupSeconds.toFixed(0)} s`,
    );
  const kueue = await measure('kueue', (settings) => bareLoop({ ...common(settings), jobs: trials, cleanup: false }));
  const withinSeconds = ours?.seconds ?? KATIB_SECONDS;
  const peer = await measure('katib', (settings) =>
    katib({ cluster: here, settings, trials, parallel, withinSeconds, say }),
  );
  const ratio = (to: Figures | null): number | null => (ours && to ? ours.jobsPerSecond / to.jobsPerSecond : null);
  const targets = {
    ofBare: reached(ratio(bare), (value) => value >= TARGETS.ofBare),
    ofKatib: reached(ratio(peer), (value) => value >= TARGETS.ofKatib),
    requestsPerTrial: reached(ours?.requestsPerJob ?? null, (value) => value <= TARGETS.requestsPerTrial),
    workerBytes: reached(ours?.peakRssBytes ?? null, (value) => value < TARGETS.workerBytes),
  };
  passed = !Object.values(targets).includes(false);
  const figures = { bare, cleanup, lamina: ours, kueue, katib: peer };
  const ratios = { bare: ratio(bare), cleanup: ratio(cleanup), kueue: ratio(kueue), katib: ratio(peer) };
  say(JSON.stringify({ benchmark: 'cluster', trials, parallel, nodes, figures, ratios, targets }));
} finally {
  await farm.close();
  rmSync(root, { recursive: true });
}
if (!passed) process.exitCode = 1;

async function found(): Promise<Cluster> {
  const answer = await cluster();
  if ('skip' in answer) throw new Error(answer.skip);
  return answer;
}

function common(settings: KubernetesSettings) {
  return { kubeconfig: here.kubeconfig, settings, parallel };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function reached(value: number | null, holds: (value: number) => boolean): boolean | null {
  return value === null ? null : holds(value);
}

/** Each in a namespace of its own, which is empty again before the next. */
async function measure<T extends Figures>(
  what: 'bare' | 'cleanup' | 'lamina' | 'kueue' | 'katib',
  work: (settings: KubernetesSettings) => Promise<T>,
): Promise<T | null> {
  if (!only.includes(what)) return null;
  const name = `bench-${what}-${Date.now().toString(36)}`;
  const namespace = await openNamespace(here, name);
  const queue = what === 'kueue' ? 'trials' : null;
  try {
    if (queue !== null) {
      await here.kueue.start();
      await here.kueue.addQueue(name, queue, nodes * GPUS_PER_NODE);
    }
    const figures = await work(farmSettings(here, name, root, queue));
    const requests = figures.requestsPerJob === null ? '' : `, ${figures.requestsPerJob.toFixed(2)} requests each`;
    say(
      `${what}: ${figures.jobs} in ${figures.seconds.toFixed(1)} s, ${figures.jobsPerSecond.toFixed(1)}/s${requests}`,
    );
    return figures;
  } finally {
    await namespace.close();
    if (queue !== null) {
      await here.kueue.removeQueue(name, queue);
      await here.kueue.stop();
    }
  }
}

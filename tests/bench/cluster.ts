/**
 * Jobs per second on a farm of 500 fake nodes with eight GPUs each, from submission to the last result collected:
 * Lamina, beside a bare loop that creates the same Jobs and waits for them, and the same loop through Kueue.
 *
 * Usage: cluster.ts [--trials 5000] [--parallel 200] [--nodes 500] [--only lamina,bare,kueue]
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cluster } from '../support/cluster.ts';
import { bareLoop, type Figures } from './support/cluster/bare.ts';
import { farmSettings, openFarm, openNamespace } from './support/cluster/farm.ts';
import { lamina } from './support/cluster/lamina.ts';
import type { WorkerFigures } from './support/cluster/worker.ts';

const TARGETS = { ofBare: 0.9, requestsPerTrial: 6, workerBytes: 600e6 };
const GPUS_PER_NODE = 8;

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '5000' },
    parallel: { type: 'string', default: '200' },
    nodes: { type: 'string', default: '500' },
    only: { type: 'string', default: 'bare,lamina,kueue' },
  },
});
const [trials, parallel, nodes] = [values.trials, values.parallel, values.nodes].map(Number) as [
  number,
  number,
  number,
];
const only = values.only.split(',');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const found = await cluster();
if ('skip' in found) throw new Error(found.skip);
const root = mkdtempSync(join(tmpdir(), 'lamina-farm-'));
chmodSync(root, 0o755);
const farm = await openFarm(found, nodes);
try {
  const figures = {
    bare: only.includes('bare') ? await measure('bare', false) : null,
    'bare with clean-up': only.includes('cleanup') ? await measure('bare', true) : null,
    lamina: only.includes('lamina') ? await measure('lamina', false) : null,
    kueue: only.includes('kueue') ? await measure('kueue', false) : null,
  };
  const ratio = figures.lamina && figures.bare ? figures.lamina.jobsPerSecond / figures.bare.jobsPerSecond : null;
  say(JSON.stringify({ benchmark: 'cluster', trials, parallel, nodes, figures, ratio, targets: TARGETS }));
} finally {
  await farm.close();
  rmSync(root, { recursive: true });
}

async function measure(what: 'bare' | 'lamina' | 'kueue', cleanup: boolean): Promise<Figures & Partial<WorkerFigures>> {
  const here = found as Exclude<typeof found, { skip: string }>;
  const name = `bench-${what}-${Date.now().toString(36)}`;
  const namespace = await openNamespace(here, name);
  const queue = what === 'kueue' ? 'trials' : null;
  try {
    if (queue !== null) {
      await here.kueue.start();
      await here.kueue.addQueue(name, queue, nodes * GPUS_PER_NODE);
    }
    const { kubeconfig } = here;
    const settings = farmSettings(here, name, root, queue);
    const figures: Figures & Partial<WorkerFigures> =
      what === 'lamina'
        ? await lamina({ kubeconfig, settings, artifactRoot: root, trials, parallel })
        : await bareLoop({ kubeconfig, settings, jobs: trials, parallel, cleanup });
    say(
      `${what}${cleanup ? ' with clean-up' : ''}: ${figures.jobsPerSecond.toFixed(1)} Jobs/s, ${figures.requestsPerJob?.toFixed(2)} requests a Job`,
    );
    if (figures.peakRssBytes !== undefined) say(`  worker: ${Math.round(figures.peakRssBytes / 1e6)} MB at most`);
    return figures;
  } finally {
    await namespace.close();
    if (queue !== null) {
      await here.kueue.removeQueue(name, queue);
      await here.kueue.stop();
    }
  }
}

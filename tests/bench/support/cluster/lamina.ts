/** Lamina from submission to the last result collected, with its worker in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attemptRef } from '@lamina/domain/contract/attempt.ts';
import { experimentWorkflowId } from '@lamina/domain/contract/workflow.ts';
import { JOBS } from '@lamina/k8s/client/resources.ts';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { createTemporalExperimentControl } from '@lamina/platform/adapters/temporal/experiment-control.ts';
import { attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import { until } from '../../../cluster/shell.ts';
import { sampleResult } from '../../../conformance/samples.ts';
import { FAST_POLICY } from '../../../support/orchestra.ts';
import { newExperiment } from '../../../support/planned.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { startTemporal } from '../../../support/temporal.ts';
import { type Figures, farmTrials } from './bare.ts';
import { farmClient } from './farm.ts';
import type { WorkerFigures, WorkerSetup } from './worker.ts';

const CLEANUP_SECONDS = 600;
const WORKER = join(import.meta.dirname, 'worker.ts');

export interface LaminaFigures extends Figures, WorkerFigures {
  /** From the last result collected until none of its Jobs is left. */
  readonly cleanupSeconds: number;
}

export interface LaminaOptions {
  readonly kubeconfig: string;
  readonly settings: KubernetesSettings;
  readonly artifactRoot: string;
  readonly trials: number;
  readonly parallel: number;
}

export async function lamina({
  kubeconfig,
  settings,
  artifactRoot,
  trials,
  parallel,
}: LaminaOptions): Promise<LaminaFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-bench-'));
  const [temporal, postgres] = await Promise.all([
    startTemporal({ dbFilename: join(folder, 'temporal.db') }),
    startPostgres(),
  ]);
  const url = await postgres.createDatabase('bench');
  const database = await openDatabase({ kind: 'postgres', url });
  const store = createExperimentStore(database);
  const worker = await startWorkerProcess({ temporal: temporal.address, url, kubeconfig, settings, artifactRoot });
  try {
    const experiment = settings.namespace;
    const planned = farmTrials(trials, experiment);
    // What pods would leave behind; fake ones leave nothing.
    for (const { id } of planned) plantResult(artifactRoot, experiment, id);
    const from = performance.now();
    const policy = { ...FAST_POLICY, maxParallel: parallel, reconcileMs: 30_000, startDeadlineSeconds: 3_600 };
    await store.createExperiment(newExperiment(experiment, planned, { policy }), { reuse: false });
    await createTemporalExperimentControl(temporal.client).start(experiment);
    await temporal.client.workflow.getHandle(experimentWorkflowId(experiment)).result();
    const seconds = (performance.now() - from) / 1000;
    const { state, counts } = (await store.getExperiment(experiment)) ?? { state: null, counts: {} };
    if (state !== 'succeeded' || counts.succeeded !== trials) throw new Error(`${state} ${JSON.stringify(counts)}`);
    const cleanupSeconds = await untilNoJobIsLeft(kubeconfig, settings);
    const figures = await worker.close();
    const requests = Object.values(figures.requests).reduce((sum, count) => sum + count, 0);
    return {
      jobs: trials,
      seconds,
      jobsPerSecond: trials / seconds,
      requestsPerJob: requests / trials,
      cleanupSeconds,
      ...figures,
    };
  } finally {
    worker.kill();
    await store.close();
    await database.close();
    await temporal.teardown();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function untilNoJobIsLeft(kubeconfig: string, settings: KubernetesSettings): Promise<number> {
  const client = farmClient(kubeconfig, settings);
  const from = performance.now();
  const none = async () => (await client.list(JOBS, { metadataOnly: true })).items.length === 0;
  await until('no Job is left', CLEANUP_SECONDS, none, 2_000);
  await client.close();
  return (performance.now() - from) / 1000;
}

function plantResult(root: string, experimentId: string, trialId: string): void {
  const ref = attemptRef(experimentId, { trialId, attempt: 1 });
  const folder = join(root, attemptFolder(ref));
  mkdirSync(folder, { recursive: true });
  const result = sampleResult(ref, 'succeeded');
  writeFileSync(join(folder, 'result.json'), JSON.stringify(result));
  writeFileSync(join(folder, 'log.txt'), 'a fake pod says nothing\n');
}

async function startWorkerProcess(setup: WorkerSetup): Promise<{ close(): Promise<WorkerFigures>; kill(): void }> {
  // As the guide says to start it.
  const execArgv = ['--max-old-space-size=256'];
  const child = fork(WORKER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv });
  child.send(setup);
  await message<'ready'>(child);
  return {
    async close() {
      const figures = message<WorkerFigures>(child);
      child.send('close');
      return figures;
    },
    kill: () => child.kill('SIGKILL'),
  };
}

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (received) => resolve(received as T));
    child.once('exit', (code) => reject(new Error(`the worker ended with code ${code}`)));
  });
}

/** Everything that runs experiments, with a scripted runner in place of trainers. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptLaunch, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import { experimentWorkflowId } from '@lamina/domain/contract/workflow.ts';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { RunPolicy } from '@lamina/domain/run/types.ts';
import type { Study } from '@lamina/domain/search/types.ts';
import type { ExperimentState } from '@lamina/domain/vocabulary/states.ts';
import { type Database, type DatabaseOptions, openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { createDirectoryArtifactStore } from '@lamina/platform/adapters/directory-artifacts.ts';
import { createTemporalExperimentControl } from '@lamina/platform/adapters/temporal/experiment-control.ts';
import type { ArtifactStore } from '@lamina/platform/application/ports/artifacts.ts';
import type { ExperimentControl } from '@lamina/platform/application/ports/control.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { type WorkflowBundle, workflowBundle } from '@lamina/worker/bundle.ts';
import type { Deployment } from '@lamina/worker/deployment.ts';
import { localTrialPaths } from '@lamina/worker/trial-paths.ts';
import { type RunningWorker, startWorker, type WorkerOptions } from '@lamina/worker/worker.ts';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { NativeConnection } from '@temporalio/worker';
import { sampleResult } from '../conformance/samples.ts';
import { writeGenerated } from './generated-data.ts';
import { InstantRunner, type Script } from './instant-runner.ts';
import { openNewPGlite } from './pglite.ts';
import { newExperiment, plannedTrials } from './planned.ts';
import { startTemporal } from './temporal.ts';

export interface Orchestra {
  readonly temporal: TestWorkflowEnvironment;
  readonly store: ExperimentStore;
  readonly artifacts: ArtifactStore;
  readonly control: ExperimentControl;
  readonly runner: InstantRunner;
  /** Launches seen so far, in order. */
  readonly launches: AttemptLaunch[];
  /** What attempts do from now on. */
  script(script: (launch: AttemptLaunch) => Script): void;
  /** The next results that attempts leave behind are broken. */
  breakResults(broken: boolean): void;
  /** The held-out loss that attempts leave behind from now on. */
  measure(loss: (launch: AttemptLaunch) => number): void;
  /** The trials of an experiment that is not submitted: cells × seeds. */
  trials(id: string, cells: number, seeds: number, microBatch?: number): readonly PlannedTrial[];
  /** With `studies`, it is searched as well. */
  submit(
    id: string,
    trials: readonly PlannedTrial[],
    policy?: Partial<RunPolicy>,
    studies?: readonly Study[],
  ): Promise<void>;
  ended(id: string): Promise<ExperimentState>;
  /** In the place of the one that works: with today's workflows, or others. */
  restartWorker(bundle?: WorkflowBundle): Promise<void>;
  /** Experiments that workers know to be blocked, and cannot tell the store. */
  unwritten(): ReadonlySet<string>;
  /** One more worker, with what `worker` of the options gives it; with a deployment it is versioned. */
  addWorker(bundle?: WorkflowBundle, deployment?: Deployment): Promise<RunningWorker>;
  close(): Promise<void>;
}

/** Short durations, so that nothing waits for longer than a test should. */
export const FAST_POLICY: RunPolicy = {
  maxParallel: 4,
  attempts: 2,
  maxAttempts: 6,
  backoff: { initialMs: 100, factor: 2, maxMs: 500 },
  trialDeadlineSeconds: null,
  startDeadlineSeconds: 60,
  stallSeconds: 60,
  graceSeconds: 1,
  reconcileMs: 500,
  maxMemoryBytes: null,
};

const SUCCEED = (): Script => ({ do: 'end', outcome: 'succeeded' });

export interface OrchestraOptions {
  /** PGlite in a temporary folder where absent. */
  readonly database?: DatabaseOptions;
  readonly continueAsNewAt?: number;
  /** Workflows of the first worker; today's where absent. */
  readonly bundle?: WorkflowBundle;
  /** Temporal keeps its database in a file, as an installation does, instead of in memory. */
  readonly durable?: boolean;
  /** What a worker works with instead of the orchestra's own; asked once for each worker. */
  readonly worker?: (own: Pick<Orchestra, 'store' | 'artifacts'>) => Partial<WorkerOptions>;
}

export async function startOrchestra(options: OrchestraOptions = {}): Promise<Orchestra> {
  const folder = await mkdtemp(join(tmpdir(), 'lamina-orchestra-'));
  const [temporal, opened] = await Promise.all([
    startTemporal({
      continueAsNewAt: options.continueAsNewAt,
      dbFilename: options.durable === true ? join(folder, 'temporal.db') : undefined,
    }),
    options.database === undefined ? openNewPGlite(join(folder, 'database')) : openDatabase(options.database),
  ]);
  const bundle = options.bundle ?? (await todaysBundle());
  return assemble(folder, temporal, opened, bundle, options.worker ?? (() => ({})));
}

/** Kept between runs: building it takes seconds. */
export function todaysBundle(): Promise<WorkflowBundle> {
  return workflowBundle(join(tmpdir(), 'lamina-bundles'));
}

async function assemble(
  folder: string,
  temporal: TestWorkflowEnvironment,
  database: Database,
  firstBundle: WorkflowBundle,
  more: NonNullable<OrchestraOptions['worker']>,
): Promise<Orchestra> {
  const store = createExperimentStore(database);
  const artifacts = createDirectoryArtifactStore(join(folder, 'artifacts'));
  await store.announce({ runner: 'instant', trainerRevision: 'r1', device: null, mounts: null });
  const control = createTemporalExperimentControl(temporal.client);
  const launches: AttemptLaunch[] = [];
  let broken = false;
  let script: (launch: AttemptLaunch) => Script = SUCCEED;
  let lossOf: (launch: AttemptLaunch) => number = () => 2;
  const runner = new InstantRunner({
    script: (launch) => {
      launches.push(launch);
      return script(launch);
    },
    writeResult: async (launch, status) => {
      await mkdir(launch.request.paths.output, { recursive: true });
      const { request } = launch as AttemptLaunch<AttemptRequest>;
      if ('kind' in request && !broken) return writeGenerated(request);
      const sample = sampleResult(launch, status);
      const trained = sample.trained === null ? null : { ...sample.trained, loss: lossOf(launch) };
      const result = broken ? { contract: 'lamina/v1' } : { ...sample, trained };
      await writeFile(join(launch.request.paths.output, 'result.json'), JSON.stringify(result));
    },
  });
  const start = (
    bundle: WorkflowBundle,
    deployment: Deployment | null = null,
    connection = temporal.nativeConnection,
  ) =>
    startWorker({
      connection,
      client: temporal.client,
      namespace: temporal.namespace ?? 'default',
      store,
      artifacts,
      runner,
      trialPaths: localTrialPaths(artifacts),
      secret: 'secret',
      // Scripted attempts post nothing; with an address, their silence counts.
      eventsBaseUrl: 'http://127.0.0.1:9',
      bundle,
      deployment,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      ...more({ store, artifacts }),
    });
  const added: RunningWorker[] = [];
  let worker = await start(firstBundle);

  return {
    temporal,
    store,
    artifacts,
    control,
    runner,
    launches,
    script(next) {
      script = next;
    },
    breakResults(next) {
      broken = next;
    },
    measure(next) {
      lossOf = next;
    },
    trials(id, cells, seeds, microBatch = 1) {
      return plannedTrials(cells, seeds, id).map((trial) => {
        const training = { ...trial.settings.training, microBatch };
        return { ...trial, settings: { ...trial.settings, training } };
      });
    },
    async submit(id, trials, policy = {}, studies = []) {
      const experiment = newExperiment(id, trials, { policy: { ...FAST_POLICY, ...policy }, studies });
      await store.createExperiment(experiment, { reuse: false });
      await control.start(id);
      if (studies.length > 0) await control.search(id);
    },
    async ended(id) {
      await temporal.client.workflow.getHandle(experimentWorkflowId(id)).result();
      return (await store.getExperiment(id))?.state ?? 'pending';
    },
    async restartWorker(bundle) {
      const next = bundle ?? (await todaysBundle());
      await worker.close();
      worker = await start(next);
    },
    unwritten: () => new Set([worker, ...added].flatMap((one) => [...one.unwritten])),
    async addWorker(bundle, deployment) {
      // A connection serves one worker of a task queue.
      const connection = await NativeConnection.connect({ address: temporal.address });
      const one = await start(bundle ?? (await todaysBundle()), deployment, connection);
      let closed: Promise<void> | null = null;
      const close = () => (closed ??= one.close().then(() => connection.close()));
      added.push({ ...one, close });
      return { ...one, close };
    },
    async close() {
      await Promise.all([worker, ...added].map((one) => one.close()));
      runner.close();
      await store.close();
      await database.close();
      await temporal.teardown();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean> | boolean, what: string, withinMs = 15_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
}

/** Everything that runs experiments on the test cluster, with workers in processes of their own that can be killed. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { experimentWorkflowId } from '@lamina/domain/contract/workflow.ts';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { Plan, RunPolicy } from '@lamina/domain/run/types.ts';
import type { ClusterClient } from '@lamina/k8s/client/client.ts';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { createTemporalExperimentControl } from '@lamina/platform/adapters/temporal/experiment-control.ts';
import { attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import type { ExperimentControl } from '@lamina/platform/application/ports/control.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import type { WorkerOrder } from '../cluster/faults/worker.ts';
import { sampleResult } from '../conformance/samples.ts';
import type { Cluster } from './cluster.ts';
import { startWitness, type Witness } from './fault-witness.ts';
import { FakeTrials } from './kubernetes-runner.ts';
import { until } from './orchestra.ts';
import { newExperiment, plannedTrials, plansOf } from './planned.ts';
import { startPostgres } from './postgres.ts';
import { startTemporal } from './temporal.ts';

const FOLDER = fileURLToPath(new URL('../cluster/faults/', import.meta.url));
export const NOWHERE = 'nowhere';
export const PATIENCE_MS = 240_000;

/** Seconds by the clock that trainers write into their histories. */
export const uptime = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);

export const POLICY: RunPolicy = {
  maxParallel: 2,
  attempts: 3,
  maxAttempts: 10,
  backoff: { initialMs: 500, factor: 2, maxMs: 5_000 },
  trialDeadlineSeconds: null,
  startDeadlineSeconds: 600,
  stallSeconds: 600,
  graceSeconds: 3,
  reconcileMs: 5_000,
  maxMemoryBytes: 1024 ** 3,
};

/** What a trainer wrote about one attempt. */
export interface AttemptHistory {
  readonly trialId: string;
  readonly attempt: number;
  readonly node: string | null;
  /** Each time it was started, `uptime`. */
  readonly starts: readonly number[];
  readonly endedAt: number | null;
  readonly resumedFrom: number | null;
}

export interface Order {
  /** What happens to each trial, `<first attempt>/<later attempts>`; see trainer.sh. */
  readonly trials: readonly string[];
  readonly policy?: Partial<RunPolicy>;
  readonly plan?: Partial<Plan>;
  /** They are of one cell instead of one each. */
  readonly alike?: boolean;
}

export interface FaultWorker {
  readonly process: ChildProcess;
  tell(order: WorkerOrder): void;
  kill(): Promise<void>;
}

export interface FaultStack {
  readonly cluster: Cluster;
  readonly settings: KubernetesSettings;
  readonly store: ExperimentStore;
  readonly control: ExperimentControl;
  readonly client: ClusterClient;
  readonly witness: Witness;
  readonly workers: Set<FaultWorker>;
  startWorker(settings?: Partial<KubernetesSettings>): Promise<FaultWorker>;
  stopWorker(worker: FaultWorker): Promise<void>;
  submit(id: string, order: Order): Promise<readonly PlannedTrial[]>;
  /** Trainers that wait go on. */
  go(id: string): void;
  ended(id: string): Promise<void>;
  histories(id: string): Promise<readonly AttemptHistory[]>;
  /** The first attempt that fits, as soon as its trainer has written about it. */
  seen(id: string, fits: (history: AttemptHistory) => boolean, what: string): Promise<AttemptHistory>;
  close(): Promise<void>;
}

export async function startFaultStack(cluster: Cluster): Promise<FaultStack> {
  const trainer = join(FOLDER, 'trainer.sh');
  const trials = new FakeTrials(cluster, {
    gpuClasses: { [NOWHERE]: { nodeSelector: { 'lamina.dev/nowhere': 'true' } } },
    lostNodeSeconds: 1,
    ttlSeconds: 600,
  });
  const shared = join(trials.folder, 'fake');
  writeFileSync(join(shared, 'trainer.sh'), readFileSync(trainer));
  const sample = sampleResult({ trialId: 'TRIAL', attemptId: 'ATTEMPT' }, 'succeeded');
  writeFileSync(join(shared, 'result.json'), JSON.stringify(sample));
  const settings = { ...trials.settings, env: { FAULTS: shared } };
  mkdirSync(settings.artifacts.mountPath, { recursive: true });

  const [temporal, postgres] = await Promise.all([startTemporal({}), startPostgres()]);
  const url = await postgres.createDatabase('faults');
  const database = await openDatabase({ kind: 'postgres', url });
  const store = createExperimentStore(database);
  const control = createTemporalExperimentControl(temporal.client);
  await trials.open();
  const client = trials.client();
  const witness = startWitness(client);
  await witness.ready;
  const workers = new Set<FaultWorker>();

  async function histories(id: string): Promise<AttemptHistory[]> {
    return (await store.listAttempts(id)).map(({ trialId, attempt }) => {
      const file = join(settings.artifacts.mountPath, attemptFolder({ experimentId: id, trialId, attempt }), 'history');
      const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
      const said = lines.map((line) => line.split(' '));
      const at = (word: string) => said.filter((line) => line[1] === word);
      const [end] = at('end').slice(-1);
      const [resumed] = at('resumed');
      return {
        trialId,
        attempt,
        node: at('start')[0]?.[2] ?? null,
        starts: at('start').map((line) => Number(line[0])),
        endedAt: end === undefined ? null : Number(end[0]),
        resumedFrom: resumed === undefined ? null : Number(resumed[2]),
      };
    });
  }

  async function stopWorker(worker: FaultWorker): Promise<void> {
    const gone = once(worker.process, 'exit');
    worker.tell({ do: 'close' });
    await gone;
    workers.delete(worker);
  }

  return {
    cluster,
    settings,
    store,
    control,
    client,
    witness,
    workers,
    stopWorker,
    histories,
    async startWorker(changes = {}) {
      const child = fork(join(FOLDER, 'worker.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      const worker: FaultWorker = {
        process: child,
        tell: (order) => void child.send(order),
        async kill() {
          if (child.exitCode === null && child.signalCode === null) {
            child.kill('SIGKILL');
            await once(child, 'exit');
          }
          workers.delete(worker);
        },
      };
      const setup = { temporal: temporal.address, database: url, kubeconfig: cluster.kubeconfig };
      worker.tell({ do: 'start', setup: { ...setup, settings: { ...settings, ...changes } } });
      await once(child, 'message');
      workers.add(worker);
      return worker;
    },
    async submit(id, { trials: behaviours, policy = {}, plan = {}, alike = false }) {
      const planned = alike ? plannedTrials(1, behaviours.length, id) : plannedTrials(behaviours.length, 1, id);
      const asked = planned.map((trial, at) => {
        const model = { source: 'path', path: `fault:${behaviours[at]}`, fingerprint: null } as const;
        return { ...trial, cell: { ...trial.cell, model }, settings: { ...trial.settings, model } };
      });
      const plans = Object.entries(plansOf(asked)).map(([cell, own]) => [cell, { ...own, ...plan }]);
      const more = { policy: { ...POLICY, ...policy }, plans: Object.fromEntries(plans) };
      await store.createExperiment(newExperiment(id, asked, more), { reuse: false });
      await control.start(id);
      return asked;
    },
    go: (id) => writeFileSync(join(shared, `go-${id}`), ''),
    async ended(id) {
      await temporal.client.workflow.getHandle(experimentWorkflowId(id)).result();
    },
    async seen(id, fits, what) {
      let found: AttemptHistory | undefined;
      const look = async () => {
        found = (await histories(id)).find(fits);
        return found !== undefined;
      };
      await until(look, `${what} of ${id}`, PATIENCE_MS);
      return found as AttemptHistory;
    },
    async close() {
      for (const worker of workers) await worker.kill();
      witness.close();
      await client.close();
      await store.close();
      await database.close();
      await temporal.teardown();
      await postgres.stop();
      await trials.close();
    },
  };
}

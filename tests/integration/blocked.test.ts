/** Experiments whose store or artifacts fail and come back, on a real Temporal, with one worker and with two. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { ExperimentDetail } from '@lamina/domain/contract/api.ts';
import type { BlockedView } from '@lamina/domain/contract/blocked.ts';
import type { ArtifactStore } from '@lamina/platform/application/ports/artifacts.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import type { RunningWorker } from '@lamina/worker/worker.ts';
import { testApi } from '../support/api.ts';
import { type Orchestra, startOrchestra, until } from '../support/orchestra.ts';

interface Faults {
  /** Results cannot be read. */
  artifacts: boolean;
  /** Nothing of the store answers. */
  store: boolean;
  /** The store has lost the trials. */
  trials: boolean;
}

/** Those of each worker. */
const faults: Faults[] = [];
let orchestra: Orchestra;
let api: Awaited<ReturnType<typeof testApi>>;
let second: RunningWorker;

function withFaults({ store, artifacts }: Pick<Orchestra, 'store' | 'artifacts'>) {
  const of: Faults = { artifacts: false, store: false, trials: false };
  faults.push(of);
  return { store: faultyStore(store, of), artifacts: faultyArtifacts(artifacts, of) };
}

function faultyArtifacts(artifacts: ArtifactStore, of: Faults): ArtifactStore {
  return {
    ...artifacts,
    async read(key) {
      if (of.artifacts) throw new Error(`EIO: i/o error, read '${key}'`);
      return artifacts.read(key);
    },
  };
}

function faultyStore(store: ExperimentStore, of: Faults): ExperimentStore {
  return new Proxy(store, {
    get(target, name: keyof ExperimentStore) {
      if (of.store) return () => Promise.reject(new Error('cannot reach postgres://lamina:hunter22@db:5432/lamina'));
      if (of.trials && name === 'getTrials') return () => Promise.resolve([]);
      return target[name];
    },
  });
}

before(async () => {
  orchestra = await startOrchestra({ worker: withFaults });
  second = await orchestra.addWorker();
  const { store, artifacts, control } = orchestra;
  api = await testApi({ store, artifacts, control });
});

after(async () => {
  await api?.close();
  await orchestra?.close();
});

beforeEach(() => {
  for (const of of faults) Object.assign(of, { artifacts: false, store: false, trials: false });
});

const workers = (fault: Partial<Faults>) => {
  for (const of of faults) Object.assign(of, fault);
};

async function shown(id: string): Promise<ExperimentDetail> {
  const response = await api.app.inject(`/v1/experiments/${id}`);
  assert.equal(response.statusCode, 200, response.body);
  return response.json();
}

async function blocked(id: string): Promise<BlockedView> {
  await until(async () => (await shown(id)).blocked !== null, 'the experiment is blocked');
  const { blocked: view } = await shown(id);
  assert.ok(view !== null);
  return view;
}

/** What followers of the experiment hear of it. */
async function news(id: string): Promise<readonly unknown[]> {
  return (await orchestra.store.experimentEvents(id, 0, 1000)).flatMap(({ data }) =>
    'blocked' in (data as object) ? [(data as { blocked: BlockedView | null }).blocked?.activity ?? null] : [],
  );
}

async function metric(): Promise<string | undefined> {
  const { body } = await api.app.inject('/metrics');
  return /^lamina_experiments_blocked (\d+)$/m.exec(body)?.[1];
}

test('results that cannot be read block an experiment; it goes on by itself when they can', async () => {
  const submittedAt = Date.now();
  workers({ artifacts: true });
  await orchestra.submit('artifacts-away', orchestra.trials('artifacts-away', 1, 2));
  const view = await blocked('artifacts-away');
  assert.equal(view.sentence, 'its trials cannot be started, stopped or recorded');
  assert.match(view.lastError, /^EIO: i\/o error, read '.*result\.json'$/);
  assert.equal(view.retrying, true);
  assert.ok(Date.parse(view.since) >= submittedAt && Date.parse(view.since) <= Date.now());
  assert.equal((await shown('artifacts-away')).state, 'running');
  const listed = (await api.app.inject('/v1/experiments?state=running')).json();
  assert.equal(listed.items[0].blocked.activity, 'advance');
  assert.equal(await metric(), '1');
  workers({ artifacts: false });
  assert.equal(await orchestra.ended('artifacts-away'), 'succeeded');
  assert.equal((await shown('artifacts-away')).blocked, null);
  assert.deepEqual(await news('artifacts-away'), ['advance', null]);
  assert.equal(await metric(), '0');
});

test('what one worker marked, another one clears', async () => {
  await second.close();
  workers({ artifacts: true });
  await orchestra.submit('two-workers', orchestra.trials('two-workers', 1, 2));
  await blocked('two-workers');
  // The first goes, still unable to read; the one that takes its place can.
  await orchestra.restartWorker();
  assert.equal(await orchestra.ended('two-workers'), 'succeeded');
  assert.equal((await shown('two-workers')).blocked, null);
  assert.deepEqual(await news('two-workers'), ['advance', null]);
});

test('a store that is away is known to the worker at once, and to the store as soon as it is back', async () => {
  orchestra.script(() => ({ do: 'run' }));
  const id = 'store-away';
  await orchestra.submit(id, orchestra.trials(id, 1, 1), { reconcileMs: 100 });
  await until(() => orchestra.launches.some(({ experimentId }) => experimentId === id), 'it runs');
  workers({ store: true });
  await until(() => orchestra.unwritten().has(id), 'a worker knows that it is blocked');
  assert.equal((await shown(id)).blocked, null);
  for (const { attemptId, experimentId } of orchestra.launches) {
    if (experimentId === id) orchestra.runner.kill(attemptId);
  }
  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  workers({ store: false });
  assert.equal(await orchestra.ended(id), 'succeeded');
  assert.equal(orchestra.unwritten().has(id), false);
  assert.equal((await shown(id)).blocked, null);
});

test('what can never succeed is given up, says so, and goes on when it is asked to', async () => {
  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  const id = 'given-up';
  workers({ trials: true });
  await orchestra.submit(id, orchestra.trials(id, 1, 2));
  const view = await blocked(id);
  assert.equal(view.retrying, false);
  assert.match(view.lastError, /^trial [0-9a-f]+ is not in experiment given-up$/);
  await assert.rejects(orchestra.ended(id), /Workflow execution failed/);
  const { state, blocked: still } = await shown(id);
  assert.deepEqual([state, still], ['running', view], 'nobody tries it any more, and everybody can read why');
  workers({ trials: false });
  const resumed = await api.app.inject({ method: 'POST', url: `/v1/experiments/${id}/resume`, payload: {} });
  assert.equal(resumed.statusCode, 200, resumed.body);
  assert.equal(await orchestra.ended(id), 'succeeded');
  assert.deepEqual(await news(id), ['advance', null]);
});

test('what is given up can be cancelled', async () => {
  const id = 'given-up-and-cancelled';
  workers({ trials: true });
  await orchestra.submit(id, orchestra.trials(id, 1, 2));
  await blocked(id);
  await assert.rejects(orchestra.ended(id));
  workers({ trials: false });
  orchestra.script(() => ({ do: 'run' }));
  const cancelled = await api.app.inject({ method: 'POST', url: `/v1/experiments/${id}/cancel`, payload: {} });
  assert.equal(cancelled.statusCode, 200, cancelled.body);
  assert.equal(await orchestra.ended(id), 'cancelled');
  assert.equal((await shown(id)).blocked, null);
});

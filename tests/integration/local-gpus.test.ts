/** The local runner on a machine of eight GPUs: the trainer's listing over a stand-in for NVML, and fake trainers. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { attemptRef } from '@lamina/domain/contract/attempt.ts';
import type { SetAside } from '@lamina/domain/contract/devices.ts';
import type { AttemptLaunch, AttemptObservation } from '@lamina/domain/contract/runner.ts';
import { PLAIN_PLAN, type Plan } from '@lamina/domain/contract/trial.ts';
import { parallelOn } from '@lamina/domain/matrix/plan.ts';
import { attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import type { DeviceStore, GpuDeskOptions } from '@lamina/worker/runners/local/gpu-desk.ts';
import { createLocalRunner, type LocalRunner } from '@lamina/worker/runners/local/local-runner.ts';
import { createProcessLauncher } from '@lamina/worker/runners/local/process-launcher.ts';
import { sampleRequest, sampleResult } from '../conformance/samples.ts';
import { createFakeMachine, type FakeMachine, GIB } from '../support/machine.ts';
import { startOrchestra, until } from '../support/orchestra.ts';
import { plannedTrials } from '../support/planned.ts';

const FAKE_TRAINER = fileURLToPath(new URL('../conformance/fake-trainer.sh', import.meta.url));
const silent = { info: () => undefined, warn: () => undefined };
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** What the database keeps of devices. */
function memory(): DeviceStore & { readonly rows: Map<string, SetAside> } {
  const rows = new Map<string, SetAside>();
  return {
    rows,
    setDeviceAside: async (row) => void rows.set(row.device, row),
    devicesSetAside: async () => [...rows.values()],
    takeDeviceBack: async (device) => rows.delete(device),
  };
}

interface Bench {
  readonly machine: FakeMachine;
  readonly store: ReturnType<typeof memory>;
  runner: LocalRunner;
  item(trial: string, ask: string, plan?: Partial<Plan>, attempt?: number): AttemptLaunch;
  reopen(): Promise<void>;
  observed(item: AttemptLaunch): Promise<AttemptObservation>;
  /** What its trainer saw in CUDA_VISIBLE_DEVICES. */
  devices(item: AttemptLaunch): string;
  until(item: AttemptLaunch, state: AttemptObservation['state']): Promise<AttemptObservation>;
  close(): Promise<void>;
}

async function bench(gpus: number, needOf?: GpuDeskOptions['needOf']): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-gpus-'));
  folders.push(folder);
  const machine = createFakeMachine(folder, gpus);
  const store = memory();
  const root = join(folder, 'artifacts');
  const results = join(folder, 'results');
  mkdirSync(results);
  const launcher = createProcessLauncher({
    command: ['/bin/sh', FAKE_TRAINER],
    env: { PATH: process.env.PATH ?? '', FAKE_RESULTS: results },
  });
  const open = async () => {
    const desk = await machine.desk({ store: async () => store, ...(needOf && { needOf }) });
    return createLocalRunner({ root, launcher, log: silent, desk, pollMs: 100, lookAgainMs: 200 });
  };
  const made: Bench = {
    machine,
    store,
    runner: await open(),
    item(trial, ask, plan = {}, attempt = 1) {
      const ids = attemptRef('suite', { trialId: trial, attempt });
      writeFileSync(join(results, `${ids.attemptId}.json`), JSON.stringify(sampleResult(ids, 'succeeded')));
      const request = sampleRequest(ids);
      const model = { source: 'path', path: `fake:${ask}`, fingerprint: null } as const;
      return {
        ...ids,
        request: {
          ...request,
          settings: { ...request.settings, model },
          plan: { ...PLAIN_PLAN, gpus: 1, ...plan },
        },
        token: 'secret',
        deadlineSeconds: null,
        graceSeconds: 5,
      };
    },
    async reopen() {
      await made.runner.close();
      made.runner = await open();
    },
    async observed({ attemptId }) {
      const found = (await made.runner.list('suite')).find((one) => one.attemptId === attemptId);
      assert.ok(found !== undefined, attemptId);
      return found;
    },
    devices(item) {
      const file = join(root, attemptFolder(item), 'devices');
      return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'has not started';
    },
    async until(item, state) {
      await until(async () => (await made.observed(item)).state === state, `${item.attemptId} is ${state}`);
      return made.observed(item);
    },
    async close() {
      const waiting = (await made.runner.list('suite')).filter(({ state }) => state === 'pending');
      await made.runner.stop(waiting, 0);
      await made.runner.shutdown(0);
      await made.runner.close();
      machine.close();
    },
  };
  return made;
}

let b: Bench;
before(async () => {
  b = await bench(8);
});
after(async () => {
  await b.close();
});

test('eight trials at once, one on each GPU; a ninth waits for its turn, and takes the first that comes free', async () => {
  const items = Array.from({ length: 9 }, (_, index) => b.item(`t${index}`, 'run'));
  const states = (await b.runner.launch(items)).map(({ state }) => state);
  assert.deepEqual(states, [...Array.from({ length: 8 }, () => 'running'), 'pending']);
  const running = items.slice(0, 8);
  const last = items[8] as AttemptLaunch;
  for (const item of running) await b.until(item, 'running');
  await until(
    () => running.every((item) => b.devices(item).startsWith('GPU-')),
    'every trainer has said which GPU it sees',
  );
  assert.deepEqual(
    running.map(b.devices).toSorted(),
    [0, 1, 2, 3, 4, 5, 6, 7].map((index) => `GPU-${index}`),
  );
  const waits = await b.observed(last);
  assert.deepEqual(waits.reason, { kind: 'queued', text: 'Waits for a GPU that other trials use.', position: 1 });
  assert.equal(waits.admittedAt, null);

  const third = running[3] as AttemptLaunch;
  const freed = b.devices(third);
  await b.runner.stop([third], 5);
  assert.ok((await b.until(last, 'running')).admittedAt != null);
  await until(() => b.devices(last) === freed, 'it has the GPU that came free');
  await b.runner.stop(items, 5);
  for (const item of items) await b.until(item, 'ended');
});

test('a GPU that a process of others holds is left to it, with its name, until it goes or the estimate fits', async () => {
  const one = await bench(1, async ({ plan }) => (plan.memoryBytes === null ? null : plan.memoryBytes));
  one.machine.change(0, { used: 50 * GIB, processes: [[process.pid, 50 * GIB]] });
  const unknown = one.item('unknown', 'succeed');
  const [launched] = await one.runner.launch([unknown]);
  assert.equal(launched?.reason?.kind, 'unschedulable');
  assert.match(
    launched?.reason?.text ?? '',
    /^Waits for a GPU\. GPU 0: 30\.0 GiB of 80\.0 GiB are free, \S+ \d+ holds/,
  );
  assert.ok(launched?.admittedAt != null, 'its start deadline counts');
  const small = one.item('small', 'succeed', { memoryBytes: 20 * GIB });
  await one.runner.launch([small]);
  assert.equal((await one.until(small, 'ended')).end?.outcome, 'succeeded');
  assert.equal((await one.observed(unknown)).state, 'pending');
  one.machine.change(0, { used: 0, processes: [] });
  assert.equal((await one.until(unknown, 'ended')).end?.outcome, 'succeeded');
  await one.close();
});

test('a GPU on which a trial failed is set aside, also by the next runner, until it is taken back', async () => {
  const one = await bench(2);
  const faulty = one.item('faulty', 'fault-on GPU-0');
  await one.runner.launch([faulty]);
  const { end } = await one.until(faulty, 'ended');
  assert.deepEqual([end?.outcome, end?.node], ['gpu-fault', 'GPU-0']);
  const retry = one.item('faulty', 'fault-on GPU-0', { excludedNodes: ['GPU-0'] }, 2);
  await one.runner.launch([retry]);
  assert.equal((await one.until(retry, 'ended')).end?.outcome, 'succeeded');
  assert.equal(one.devices(retry), 'GPU-1');
  const kept = one.store.rows.get('GPU-0');
  assert.deepEqual([kept?.faults, kept?.attemptId, one.store.rows.size], [1, faulty.attemptId, 1]);

  await one.reopen();
  const both = one.item('both', 'succeed', { gpus: 2 });
  const [waits] = await one.runner.launch([both]);
  assert.match(waits?.reason?.text ?? '', /GPU 0: set aside \(.*fault-on GPU-0; until /);
  one.store.rows.delete('GPU-0');
  assert.equal((await one.until(both, 'ended')).end?.outcome, 'succeeded');
  assert.deepEqual(one.devices(both).split(',').toSorted(), ['GPU-0', 'GPU-1']);
  await one.close();
});

test('a fault of a trial on several GPUs is laid to the one that NVML has something against', async () => {
  const one = await bench(3);
  one.machine.change(1, { eccErrors: 2 });
  const item = one.item('wide', 'exit 67', { gpus: 3 });
  await one.runner.launch([item]);
  await one.until(item, 'ended');
  await until(() => one.store.rows.size > 0, 'it is set aside');
  assert.deepEqual([...one.store.rows.keys()], ['GPU-1']);
  assert.equal(one.store.rows.get('GPU-1')?.until, null);
  await one.close();
});

test('attempts that waited when the service was killed start under the next one, and those that run keep their GPU', async () => {
  const one = await bench(1);
  const running = one.item('running', 'run');
  const waiting = one.item('waiting', 'succeed');
  await one.runner.launch([running, waiting]);
  await one.until(running, 'running');
  await until(() => one.devices(running) === 'GPU-0', 'its trainer works');
  await one.reopen();
  assert.equal((await one.observed(running)).state, 'running');
  assert.equal((await one.observed(waiting)).state, 'pending');
  assert.deepEqual([...one.runner.holders()], [['GPU-0', running.attemptId]]);
  await one.runner.stop([running], 5);
  assert.equal((await one.until(waiting, 'ended')).end?.outcome, 'succeeded');
  await one.close();
});

test('a trial that waits can be stopped, and one that asks for more GPUs than there are ends at once', async () => {
  const one = await bench(1);
  const running = one.item('running', 'run');
  const waiting = one.item('waiting', 'succeed');
  await one.runner.launch([running, waiting]);
  await one.runner.stop([waiting], 5);
  assert.equal((await one.until(waiting, 'ended')).end?.message, 'Stopped on request.');
  const [large] = await one.runner.launch([one.item('large', 'succeed', { gpus: 2 })]);
  assert.deepEqual([large?.state, large?.end?.outcome], ['ended', 'invalid']);
  assert.match(large?.end?.message ?? '', /2 GPUs of one kind; this machine has 1/);
  // Without a GPU it takes none of those that others were given.
  const plain = one.item('plain', 'succeed', { gpus: 0 });
  await one.runner.launch([plain]);
  await one.until(plain, 'ended');
  assert.equal(one.devices(plain), '');
  await one.close();
});

test('an experiment over eight GPUs, one of them broken: nobody is measured on it, and one attempt is lost', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-gpus-'));
  folders.push(folder);
  const machine = createFakeMachine(folder, 8);
  const results = join(folder, 'results');
  mkdirSync(results);
  const launcher = createProcessLauncher({
    command: ['/bin/sh', FAKE_TRAINER],
    env: { PATH: process.env.PATH ?? '', FAKE_RESULTS: results },
  });
  let runner: LocalRunner | null = null;
  const planned = plannedTrials(2, 4, 'gpus').map((trial) => ({
    ...trial,
    settings: {
      ...trial.settings,
      gpus: 1,
      model: { source: 'path', path: 'fake:fault-on GPU-5', fingerprint: null } as const,
    },
  }));
  for (const { id } of planned) {
    for (const attempt of [1, 2, 3]) {
      const ids = attemptRef('gpus', { trialId: id, attempt });
      writeFileSync(join(results, `${ids.attemptId}.json`), JSON.stringify(sampleResult(ids, 'succeeded')));
    }
  }
  let database: DeviceStore | null = null;
  const desk = await machine.desk({
    store: async () => {
      assert.ok(database !== null);
      return database;
    },
  });
  const orchestra = await startOrchestra({
    worker: ({ store, artifacts }) => {
      database = store;
      const root = dirname(artifacts.localPath('experiments') ?? '');
      runner = createLocalRunner({ root, launcher, log: silent, desk, pollMs: 100, lookAgainMs: 200 });
      return { runner, eventsBaseUrl: null };
    },
  });
  try {
    const plans = planned.map(() => ({ gpus: 1 }));
    await orchestra.submit('gpus', planned, { maxParallel: parallelOn(8, plans) });
    assert.equal(await orchestra.ended('gpus'), 'succeeded');
    const attempts = await orchestra.store.listAttempts('gpus');
    const faults = attempts.filter(({ end }) => end?.outcome === 'gpu-fault');
    assert.deepEqual([attempts.length, faults.length, faults[0]?.end?.node], [9, 1, 'GPU-5']);
    const [aside, ...others] = await orchestra.store.devicesSetAside();
    assert.deepEqual([aside?.device, others.length], ['GPU-5', 0]);
  } finally {
    await orchestra.close();
    await (runner as LocalRunner | null)?.close();
    machine.close();
  }
});

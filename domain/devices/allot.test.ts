import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Device } from '../contract/devices.ts';
import { type Answer, allot, type DeviceRequest, type Machine } from './allot.ts';
import { deviceOf } from './testing/devices.ts';

const GIB = 2 ** 30;
const two = [deviceOf(0), deviceOf(1)];

function request(attemptId: string, more: Partial<DeviceRequest['plan']> & { needGib?: number } = {}): DeviceRequest {
  const { needGib, ...plan } = more;
  return {
    attemptId,
    plan: { gpus: 1, gpuClass: null, excludedNodes: [], ...plan },
    needBytes: needGib === undefined ? null : needGib * GIB,
  };
}

function machine(devices: readonly Device[], held: readonly string[] = [], setAside: Record<string, string> = {}) {
  return { devices, held: new Set(held), setAside: new Map(Object.entries(setAside)) } satisfies Machine;
}

/** Devices where it starts, else the kind of reason, else `never`. */
function brief(answer: Answer | undefined): string {
  if (answer?.kind === 'start') return answer.devices.join(' ');
  return answer?.kind === 'wait' ? answer.reason.kind : (answer?.kind ?? 'nothing');
}

const used = (index: number, freeGib: number): Device =>
  deviceOf(index, {
    freeBytes: freeGib * GIB,
    processes: [{ pid: 4242, name: 'python', memoryBytes: (80 - freeGib) * GIB }],
  });
const slice = (index: number): Device => deviceOf(index, { uuid: `MIG-${index}`, name: 'H100 MIG 3g', mig: '3g' });

const table: readonly (readonly [string, Machine, readonly DeviceRequest[], readonly string[]])[] = [
  ['one each', machine(two), [request('a'), request('b')], ['GPU-0', 'GPU-1']],
  ['a third waits', machine(two), [request('a'), request('b'), request('c')], ['GPU-0', 'GPU-1', 'queued']],
  ['what others of ours hold', machine(two, ['GPU-0']), [request('a'), request('b')], ['GPU-1', 'queued']],
  ['two for one trial', machine(two), [request('a', { gpus: 2 })], ['GPU-0 GPU-1']],
  [
    'a large one keeps what is free from those that come later',
    machine(two, ['GPU-0']),
    [request('large', { gpus: 2 }), request('small')],
    ['queued', 'queued'],
  ],
  ['more than there are', machine(two), [request('a', { gpus: 3 }), request('b')], ['never', 'GPU-0']],
  [
    'its class, and no other',
    machine([deviceOf(0, { name: 'T4' }), deviceOf(1)]),
    [request('a', { gpuClass: 'H100' }), request('b', { gpuClass: 'H100' }), request('c', { gpuClass: 'T4' })],
    ['GPU-1', 'queued', 'GPU-0'],
  ],
  ['a class that is not here', machine(two), [request('a', { gpuClass: 'B200' })], ['never']],
  [
    'several of one class',
    machine([deviceOf(0, { name: 'T4' }), deviceOf(1), deviceOf(2)]),
    [request('a', { gpus: 2 })],
    ['GPU-1 GPU-2'],
  ],
  ['a slice like a GPU', machine([slice(0), slice(1)]), [request('a'), request('b')], ['MIG-0', 'MIG-1']],
  ['slices do not work together', machine([slice(0), slice(1)]), [request('a', { gpus: 2 })], ['never']],
  ['the emptier GPU first', machine([used(0, 30), deviceOf(1)]), [request('a', { needGib: 20 })], ['GPU-1']],
  ['an estimate that fits what is free', machine([used(0, 30)]), [request('a', { needGib: 20 })], ['GPU-0']],
  ['an estimate that does not', machine([used(0, 30)]), [request('a', { needGib: 40 })], ['unschedulable']],
  ['no estimate', machine([used(0, 30)]), [request('a')], ['unschedulable']],
  ['a desktop on it', machine([used(0, 79)]), [request('a')], ['GPU-0']],
  ['an estimate above all that it has', machine([deviceOf(0)]), [request('a', { needGib: 500 })], ['GPU-0']],
  [
    'memory that is not counted',
    machine([deviceOf(0, { memoryBytes: null, freeBytes: null })]),
    [request('a', { needGib: 20 })],
    ['GPU-0'],
  ],
  ['set aside', machine(two, [], { 'GPU-0': 'Xid 79' }), [request('a'), request('b')], ['GPU-1', 'queued']],
  ['all set aside', machine([deviceOf(0)], [], { 'GPU-0': 'Xid 79' }), [request('a')], ['unschedulable']],
  ['broken', machine([deviceOf(0, { problem: 'GPU is lost' })]), [request('a')], ['unschedulable']],
  ['not where it failed', machine(two), [request('a', { excludedNodes: ['GPU-0'] })], ['GPU-1']],
  [
    'it waits for another device than the one it failed on',
    machine(two, ['GPU-1']),
    [request('a', { excludedNodes: ['GPU-0'] })],
    ['queued'],
  ],
  [
    'where it failed, if there is no other',
    machine([deviceOf(0)]),
    [request('a', { excludedNodes: ['GPU-0'] })],
    ['GPU-0'],
  ],
  [
    'what waits for a process of others keeps nothing',
    machine([used(0, 30), deviceOf(1)]),
    [request('large', { gpus: 2 }), request('small')],
    ['unschedulable', 'GPU-1'],
  ],
];
for (const [name, on, requests, expected] of table) {
  test(`devices: ${name}`, () => {
    const answers = allot(on, requests);
    assert.deepEqual(
      requests.map(({ attemptId }) => brief(answers.get(attemptId))),
      expected,
    );
  });
}

test('a reason names who holds the memory, what is set aside and why, and the place in the queue', () => {
  const textOf = (on: Machine, ...requests: DeviceRequest[]) => {
    const answer = allot(on, requests).get(requests.at(-1)?.attemptId ?? '');
    return answer?.kind === 'wait' ? answer.reason : answer;
  };
  assert.deepEqual(textOf(machine([used(3, 30)]), request('a')), {
    kind: 'unschedulable',
    text: 'Waits for a GPU. GPU 3: 30.0 GiB of 80.0 GiB are free, python 4242 holds memory.',
  });
  assert.deepEqual(textOf(machine([deviceOf(0)], [], { 'GPU-0': 'Xid 79' }), request('a', { gpuClass: 'H100' })), {
    kind: 'unschedulable',
    text: 'Waits for a GPU of class H100. GPU 0: set aside (Xid 79).',
  });
  assert.deepEqual(textOf(machine(two, ['GPU-0', 'GPU-1']), request('a'), request('b', { gpus: 2 })), {
    kind: 'queued',
    text: 'Waits for 2 GPUs that other trials use.',
    position: 2,
  });
  assert.deepEqual(textOf(machine(two), request('a', { gpus: 4 })), {
    kind: 'never',
    message: 'The trial asks for 4 GPUs of one kind; this machine has 2.',
  });
});

const devices = fc
  .array(
    fc.record({
      name: fc.constantFrom('H100', 'T4'),
      free: fc.constantFrom(80, 80, 80, 79, 30),
      problem: fc.constantFrom(null, null, null, null, 'GPU is lost'),
      state: fc.constantFrom('idle', 'idle', 'held', 'aside'),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((all) => ({
    devices: all.map(({ name, free, problem }, index) => deviceOf(index, { name, problem, freeBytes: free * GIB })),
    held: new Set(all.flatMap(({ state }, index) => (state === 'held' ? [`GPU-${index}`] : []))),
    setAside: new Map(all.flatMap(({ state }, index) => (state === 'aside' ? [[`GPU-${index}`, 'Xid 79']] : []))),
  }));
const requests = fc
  .array(
    fc.record({
      gpus: fc.constantFrom(1, 1, 1, 2, 4),
      gpuClass: fc.constantFrom(null, null, 'H100', 'T4'),
      excludedNodes: fc.subarray(['GPU-0', 'GPU-1', 'GPU-2']),
      needGib: fc.constantFrom(undefined, 20, 60, 200),
    }),
    { maxLength: 10 },
  )
  .map((all) =>
    all.map(({ needGib, ...plan }, index) => request(`a${index}`, { ...plan, ...(needGib && { needGib }) })),
  );

test('no device is given twice, nor one that is held, broken or set aside; each start has what it asked for', () => {
  fc.assert(
    fc.property(devices, requests, (on, asked) => {
      const answers = allot(on, asked);
      const given: string[] = [];
      for (const { attemptId, plan, needBytes } of asked) {
        const answer = answers.get(attemptId);
        assert.ok(answer !== undefined);
        if (answer.kind !== 'start') continue;
        assert.equal(new Set(answer.devices).size, plan.gpus);
        const found = answer.devices.map((uuid) => on.devices.find((device) => device.uuid === uuid) as Device);
        assert.equal(new Set(found.map(({ name }) => name)).size, 1);
        for (const { uuid, name, problem, freeBytes } of found) {
          assert.ok(!on.held.has(uuid) && !on.setAside.has(uuid) && problem === null, uuid);
          assert.ok(plan.gpuClass === null || plan.gpuClass === name);
          assert.ok((freeBytes ?? 0) >= Math.min(needBytes ?? 72 * GIB, 72 * GIB));
        }
        given.push(...answer.devices);
      }
      assert.equal(new Set(given).size, given.length);
    }),
  );
});

test('nobody starves, however many small attempts come later', () => {
  const sound = devices.map(({ devices: all }) => all.map(({ name }, index) => deviceOf(index, { name })));
  fc.assert(
    fc.property(sound, requests, (all, asked) => {
      const running: (readonly string[])[] = [];
      let waiting = asked;
      // The oldest of at most eight that run ends each time, so that the first in the queue waits eight turns at most.
      for (let turn = 0; turn < 8 * (asked.length + 1); turn += 1) {
        const answers = allot(machine(all, running.flat()), waiting);
        for (const answer of answers.values()) if (answer.kind === 'start') running.push(answer.devices);
        waiting = waiting.filter(({ attemptId }) => answers.get(attemptId)?.kind === 'wait');
        waiting.push(request(`small${turn}`), request(`small${turn}too`));
        running.shift();
      }
      assert.deepEqual(
        waiting.filter(({ attemptId }) => !attemptId.startsWith('small')),
        [],
      );
    }),
    { numRuns: 50 },
  );
});

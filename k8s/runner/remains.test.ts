import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import type { AttemptEntry } from '../watch/attempts.ts';
import { Remains } from './remains.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const entry = (attemptId: string, job: object | null = {}): AttemptEntry => {
  return { ref: { attemptId }, job } as unknown as AttemptEntry;
};

let removed: string[][] = [];
let failures = 0;
/** Stay, although they were asked to go. */
const stuck = new Set<AttemptEntry>();

function open(keepMs: number): Remains {
  return new Remains({
    keepMs,
    log,
    async remove(entries) {
      removed.push(entries.map(({ ref }) => ref.attemptId));
      failures -= 1;
      if (failures >= 0) throw new Error('not now');
      for (const one of entries) if (!stuck.has(one)) one.job = null;
    },
  });
}

async function pass(seconds: number): Promise<void> {
  for (let at = 0; at < seconds; at += 1) {
    mock.timers.tick(1_000);
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }
}

beforeEach(() => {
  removed = [];
  failures = 0;
  mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  mock.method(performance, 'now', () => now);
  const { tick } = mock.timers;
  mock.method(mock.timers, 'tick', (ms: number) => {
    now += ms;
    tick.call(mock.timers, ms);
  });
});
afterEach(() => {
  mock.restoreAll();
  mock.timers.reset();
});

test('what is kept goes when its time is over, together', async () => {
  const remains = open(60_000);
  remains.keep([entry('a'), entry('b')]);
  await pass(59);
  assert.deepEqual(removed, []);
  await pass(3);
  assert.deepEqual(removed, [['a', 'b']]);
  await pass(60);
  assert.equal(removed.length, 1);
});

test('what is released goes soon; the others stay', async () => {
  const remains = open(60_000);
  const [a, b] = [entry('a'), entry('b')];
  remains.keep([a, b]);
  remains.release([b]);
  await pass(2);
  assert.deepEqual(removed, [['b']]);
});

test('where its place is needed everything goes, and nothing is kept from then on', async () => {
  const remains = open(60_000);
  remains.keep([entry('a')]);
  remains.keepNothing();
  await pass(2);
  remains.keep([entry('b')]);
  await pass(2);
  assert.deepEqual(removed, [['a'], ['b']]);
});

test('what could not be deleted is tried again, and what the cluster has deleted is not', async () => {
  const remains = open(0);
  failures = 2;
  remains.keep([entry('a'), entry('gone', null)]);
  await pass(60);
  assert.deepEqual(removed, [['a'], ['a'], ['a']]);
});

test('what stays, although it was to go, is asked to go again', async () => {
  const remains = open(0);
  const late = entry('late');
  stuck.add(late);
  remains.keep([late, entry('a')]);
  await pass(3);
  stuck.delete(late);
  await pass(60);
  assert.deepEqual(removed, [['late', 'a'], ['late']]);
});

test('closed, it deletes nothing', async () => {
  const remains = open(0);
  remains.keep([entry('a')]);
  remains.close();
  await pass(5);
  assert.deepEqual(removed, []);
});

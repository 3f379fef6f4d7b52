import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { LABELS } from '../labels.ts';
import type { AttemptEntry } from '../watch/attempts.ts';
import { type Deletion, FinishedJobs, planDeletion } from './finished-jobs.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const entry = (attemptId: string, job: object | null = {}): AttemptEntry => {
  return { ref: { attemptId }, job } as unknown as AttemptEntry;
};

let removed: string[][] = [];
let failures = 0;
/** Stay, although they were asked to go. */
const stuck = new Set<AttemptEntry>();

function open(keepMs: number): FinishedJobs {
  return new FinishedJobs({
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
  const jobs = open(60_000);
  jobs.keep([entry('a'), entry('b')]);
  await pass(59);
  assert.deepEqual(removed, []);
  await pass(3);
  assert.deepEqual(removed, [['a', 'b']]);
  await pass(60);
  assert.equal(removed.length, 1);
});

test('what is released goes soon; the others stay', async () => {
  const jobs = open(60_000);
  const [a, b] = [entry('a'), entry('b')];
  jobs.keep([a, b]);
  jobs.release([b]);
  await pass(2);
  assert.deepEqual(removed, [['b']]);
});

test('where its place is needed everything goes, and nothing is kept from then on', async () => {
  const jobs = open(60_000);
  jobs.keep([entry('a')]);
  jobs.keepNothing();
  await pass(2);
  jobs.keep([entry('b')]);
  await pass(2);
  assert.deepEqual(removed, [['a'], ['b']]);
});

test('what could not be deleted is tried again, and what the cluster has deleted is not', async () => {
  const jobs = open(0);
  failures = 2;
  jobs.keep([entry('a'), entry('gone', null)]);
  await pass(60);
  assert.deepEqual(removed, [['a'], ['a'], ['a']]);
});

test('what stays, although it was to go, is asked to go again', async () => {
  const jobs = open(0);
  const late = entry('late');
  stuck.add(late);
  jobs.keep([late, entry('a')]);
  await pass(3);
  stuck.delete(late);
  await pass(60);
  assert.deepEqual(removed, [['late', 'a'], ['late']]);
});

test('closed, it deletes nothing', async () => {
  const jobs = open(0);
  jobs.keep([entry('a')]);
  jobs.close();
  await pass(5);
  assert.deepEqual(removed, []);
});

function deletionOf(experiment: string, trial: number, alone = true): Deletion {
  const labels = {
    [LABELS.managedBy]: 'lamina',
    [LABELS.instance]: 'lamina',
    [LABELS.experiment]: experiment,
    [LABELS.trial]: `t${trial}`,
  };
  return { name: `${experiment}-${trial}`, job: { metadata: { labels } }, alone };
}

test('a hundred Jobs of an experiment go with one request', () => {
  const deletions = Array.from({ length: 250 }, (_, index) => deletionOf('a', index));
  const { single, selectors } = planDeletion([...deletions, deletionOf('b', 1), deletionOf('b', 2)]);
  assert.deepEqual(single, []);
  assert.equal(selectors.length, 4);
  const named = selectors.flatMap((selector) => /in \((.*)\)$/.exec(selector)?.[1]?.split(',') ?? []);
  assert.equal(named.length, 252);
  assert.ok(selectors.every((selector) => /lamina\.dev\/experiment=[ab],/.test(selector)));
});

test('by name alone goes what labels could mistake: another attempt of the trial, a Job never seen, a single one', () => {
  const unseen: Deletion = { name: 'unseen', job: null, alone: false };
  const { single, selectors } = planDeletion([deletionOf('a', 1, false), unseen, deletionOf('b', 1)]);
  assert.deepEqual(single.toSorted(), ['a-1', 'b-1', 'unseen']);
  assert.deepEqual(selectors, []);
});

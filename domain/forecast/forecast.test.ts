import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { forecast } from './forecast.ts';
import type { Queue, QueueExperiment } from './queue.ts';
import { cellOf, exactly, experimentOf } from './testing/past.ts';

const OPTIONS = { seed: 1, draws: 20 };
const endOf = (queue: Queue, id: string) => forecast(queue, OPTIONS).find((one) => one.id === id)?.end;
const queueOf = (experiments: readonly QueueExperiment[], pools: Readonly<Record<string, number>> = {}): Queue => ({
  experiments,
  pools: new Map(Object.entries(pools)),
});
const repeated = (times: number) => Array.from({ length: times }, () => 0);
const sure = (seconds: number) => ({ low: seconds, median: seconds, high: seconds });
const near = (actual: number | undefined, expected: number) =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

test('known durations give the exact end', () => {
  const queue = queueOf([
    experimentOf('e', { maxParallel: 2, cells: [cellOf('a', exactly(10))], pending: repeated(5) }),
  ]);
  const [one] = forecast(queue, OPTIONS);
  assert.deepEqual(one?.start, sure(0));
  near(one?.end?.low, 30);
  near(one?.end?.high, 30);
  near(one?.placeSeconds?.median, 50);
  assert.equal(one?.cells[0]?.open, 5);
});

test('what runs is counted from how far it is: steps, else elapsed time', () => {
  const cells = [cellOf('a', exactly(100))];
  const running = (more: { step?: number; elapsedSeconds: number }) =>
    queueOf([experimentOf('e', { cells, running: [{ cell: 0, begun: true, step: null, steps: 10, ...more }] })]);
  near(endOf(running({ elapsedSeconds: 30 }), 'e')?.median, 70);
  near(endOf(running({ elapsedSeconds: 30, step: 5 }), 'e')?.median, 100 * (0.8 * 0.5 + 0.1));
  near(endOf(running({ elapsedSeconds: 400 }), 'e')?.median, 0);
});

test('GPUs of a pool are shared, first come first served', () => {
  const cell = cellOf('a', exactly(10), 'h100');
  const queue = queueOf(
    [
      experimentOf('first', { maxParallel: 4, cells: [cell], pending: repeated(4) }),
      experimentOf('second', { maxParallel: 4, cells: [cell], pending: repeated(1) }),
    ],
    { h100: 2 },
  );
  const [first, second] = forecast(queue, OPTIONS);
  near(first?.end?.median, 20);
  near(second?.start?.median, 20);
  near(second?.end?.median, 30);
});

test('an attempt that has not begun waits for its GPU before those that come later', () => {
  const cell = cellOf('a', exactly(10), 'h100');
  const attempt = { cell: 0, elapsedSeconds: 4, step: null, steps: null };
  const queue = queueOf(
    [
      experimentOf('first', {
        maxParallel: 2,
        cells: [cell],
        running: [
          { ...attempt, begun: true },
          { ...attempt, begun: false },
        ],
      }),
      experimentOf('second', { cells: [cell], pending: repeated(1) }),
    ],
    { h100: 1 },
  );
  const [first, second] = forecast(queue, OPTIONS);
  near(first?.end?.median, 16);
  near(second?.start?.median, 16);
});

test('what is not known stays unknown, and so does what waits for it', () => {
  const unknown = cellOf('u', null);
  const [one] = forecast(
    queueOf([experimentOf('e', { cells: [unknown, cellOf('a', exactly(10))], pending: [1, 0, 1] })]),
    OPTIONS,
  );
  assert.deepEqual(one?.start, sure(0));
  assert.equal(one?.end, null);
  assert.deepEqual(
    one?.cells.map(({ cellId, known, end }) => [cellId, known, end]),
    [
      ['u', false, null],
      ['a', true, null],
    ],
  );
});

test('a paused experiment starts nothing, and holds nobody up', () => {
  const cells = [cellOf('a', exactly(10), 'h100')];
  const queue = queueOf(
    [
      experimentOf('paused', { cells, pending: repeated(3), paused: true }),
      experimentOf('e', { cells, pending: repeated(1) }),
    ],
    { h100: 1 },
  );
  const [paused, other] = forecast(queue, OPTIONS);
  assert.equal(paused?.end, null);
  assert.deepEqual(other?.start, sure(0));
});

test('many cells known from one trial each still have a sensible end', () => {
  const cells = Array.from({ length: 200 }, (_, index) => cellOf(`c${index}`, { ...exactly(100), spread: 0.2 }));
  const pending = Array.from({ length: 1000 }, (_, index) => index % 200);
  const end = endOf(queueOf([experimentOf('e', { maxParallel: 10, cells, pending })]), 'e');
  assert.ok(end && end.median > 10_000 && end.high < 12_000, JSON.stringify(end));
});

const estimate = fc
  .record({
    seconds: fc.double({ min: 1, max: 1e4, noNaN: true }),
    spread: fc.double({ min: 0, max: 0.8, noNaN: true }),
  })
  .map(({ seconds, spread }) => ({ ...exactly(seconds), spread }));
const anExperiment = (id: string) =>
  fc
    .record({
      maxParallel: fc.integer({ min: 1, max: 5 }),
      estimates: fc.array(estimate, { minLength: 1, maxLength: 3 }),
    })
    .chain(({ maxParallel, estimates }) =>
      fc.array(fc.nat({ max: estimates.length - 1 }), { minLength: 1, maxLength: 12 }).map((pending) =>
        experimentOf(id, {
          maxParallel,
          pending,
          cells: estimates.map((one, index) => cellOf(`c${index}`, one, 'gpu')),
        }),
      ),
    );
const notLater = (a: { low: number; median: number; high: number } | null | undefined, b: typeof a) => {
  assert.ok(a && b);
  for (const part of ['low', 'median', 'high'] as const)
    assert.ok(a[part] <= b[part] + 1e-6, `${part}: ${a[part]} > ${b[part]}`);
};

test('intervals are ordered; starts lie before ends', () => {
  fc.assert(
    fc.property(anExperiment('e'), fc.integer({ min: 1, max: 4 }), (experiment, gpu) => {
      const [one] = forecast(queueOf([experiment], { gpu }), OPTIONS);
      assert.ok(one?.end && one.start);
      for (const { low, median, high } of [one.end, one.start]) assert.ok(low <= median && median <= high);
      notLater(one.start, one.end);
    }),
  );
});

test('more capacity never makes an experiment later: GPUs, and trials at once', () => {
  fc.assert(
    fc.property(anExperiment('e'), fc.integer({ min: 1, max: 4 }), (experiment, gpu) => {
      const [before] = forecast(queueOf([experiment], { gpu }), OPTIONS);
      const [moreGpus] = forecast(queueOf([experiment], { gpu: gpu + 1 }), OPTIONS);
      const [moreAtOnce] = forecast(
        queueOf([{ ...experiment, maxParallel: experiment.maxParallel + 1 }], { gpu }),
        OPTIONS,
      );
      notLater(moreGpus?.end, before?.end);
      notLater(moreAtOnce?.end, before?.end);
      notLater(moreAtOnce?.start, before?.start);
    }),
  );
});

test('more trials in the line ahead never make those behind earlier', () => {
  fc.assert(
    fc.property(anExperiment('ahead'), anExperiment('e'), fc.integer({ min: 1, max: 4 }), (ahead, experiment, gpu) => {
      // All of those ahead are in the line for GPUs; what their experiment holds back is not ahead.
      const all = { ...ahead, maxParallel: 100 };
      const longer = { ...all, pending: [...all.pending, 0] };
      const [, before] = forecast(queueOf([all, experiment], { gpu }), OPTIONS);
      const [, after] = forecast(queueOf([longer, experiment], { gpu }), OPTIONS);
      notLater(before?.start, after?.start);
      notLater(before?.end, after?.end);
    }),
  );
});

test('never more GPUs in use than there are, and the same seed gives the same forecast', () => {
  fc.assert(
    fc.property(anExperiment('a'), anExperiment('b'), fc.integer({ min: 1, max: 3 }), (a, b, gpu) => {
      const queue = queueOf([a, b], { gpu });
      const once = forecast(queue, OPTIONS);
      assert.deepEqual(forecast(queue, OPTIONS), once);
      const work = once.reduce((sum, one) => sum + (one.gpuSeconds?.low ?? 0), 0);
      const end = Math.max(...once.map((one) => one.end?.high ?? 0));
      assert.ok(end * gpu >= work * (1 - 1e-9));
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ParetoAxis, paretoFront } from './pareto.ts';

type Point = readonly [loss: number | null, memory: number | null, speed: number | null];
const AXES: readonly ParetoAxis<Point>[] = [
  { value: (point) => point[0], better: 'lower' },
  { value: (point) => point[1], better: 'lower' },
  { value: (point) => point[2], better: 'higher' },
];

test('a point that is worse everywhere goes, a trade-off and an equal point stay, a gap does not count', () => {
  const best: Point = [1, 2, 10];
  const trade: Point = [2, 1, 10];
  const worse: Point = [3, 3, 9];
  const twin: Point = [1, 2, 10];
  const gap: Point = [0, 0, null];
  assert.deepEqual(paretoFront([worse, best, gap, trade, twin], AXES), [best, trade, twin]);
});

const number = fc.integer({ min: 0, max: 6 });
const points = fc.array(fc.tuple(number, number, number), { maxLength: 60 });
const dominates = (a: Point, b: Point) =>
  AXES.every(({ value, better }) => (better === 'lower' ? value(a)! <= value(b)! : value(a)! >= value(b)!)) &&
  AXES.some(({ value }) => value(a) !== value(b));

test('property: the front is exactly the points that none dominates', () => {
  fc.assert(
    fc.property(points, (all) => {
      const expected = all.filter((point) => !all.some((other) => dominates(other, point)));
      assert.deepEqual(paretoFront(all, AXES), expected);
    }),
    { numRuns: 500 },
  );
});

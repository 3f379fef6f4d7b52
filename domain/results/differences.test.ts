import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Difference,
  differencesAmong,
  halfWidth,
  pOf,
  type SeededCell,
  simultaneous,
  textVariance,
} from './differences.ts';

const close = (actual: number | null | undefined, expected: number, tolerance = 1e-4) =>
  assert.ok(
    actual !== null && actual !== undefined && Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected} ± ${tolerance}`,
  );
/** A cell with values of seeds 0, 1, …; null: not measured. */
const cell = (depth: string, values: readonly (number | null)[], model = 'model'): SeededCell => ({
  model,
  depth,
  values: new Map(values.flatMap((value, seed) => (value === null ? [] : [[String(seed), value] as const]))),
});
const summary = ({ n, mean, variance, degreesOfFreedom }: Difference) => [n, mean, variance, degreesOfFreedom];

test('two cells of a depth borrow nothing: 1 and 3 differ by 2 ± 12.706 · √(2/2)', () => {
  const difference = differencesAmong([cell('a', [1, 3]), cell('a', [0, 0])])(0, 1);
  assert.deepEqual(summary(difference), [2, 2, 1, 1]);
  close(halfWidth(difference, 0.025), 12.7062);
  close(pOf(difference), 0.295167);
});

test('three cells of a depth: s₀² = (2 + 0 + 2)/3, s̃² = (2·4/3 + 1·v)/3 on 2 degrees of freedom', () => {
  const subtract = differencesAmong([cell('a', [0, 0]), cell('a', [1, 3]), cell('a', [2, 2])]);
  assert.deepEqual([subtract(0, 1).mean, subtract(1, 0).mean, subtract(1, 2).mean], [-2, 2, 0]);
  close(subtract(0, 1).variance, 14 / 9 / 2, 1e-12);
  close(subtract(0, 2).variance, 8 / 9 / 2, 1e-12);
  assert.equal(subtract(0, 2).degreesOfFreedom, 2);
  // A tie in every seed is no certainty where the other pairs vary.
  close(halfWidth(subtract(0, 2), 0.025), 4.30265 * (2 / 3));
});

test('pairs with more seeds weigh more: s₀² = (2·3 + 1·2 + 1·0.5)/4', () => {
  const subtract = differencesAmong([cell('a', [0, 0, 0]), cell('a', [0, 3, 3]), cell('a', [0, 2, null])]);
  const [n, mean, variance, degrees] = summary(subtract(0, 1));
  assert.deepEqual([n, mean, degrees], [3, -2, 4]);
  close(variance, (2 * 2.125 + 2 * 3) / 4 / 3, 1e-12);
  close(subtract(0, 2).variance, (2 * 2.125 + 2) / 3 / 2, 1e-12);
  assert.equal(subtract(0, 2).degreesOfFreedom, 2);
});

test('three depths of three cells: s₀² = (2 + 8 + 2)/3 between depths, nothing of it within one', () => {
  const cells = [0, 2, 4].flatMap((last) => [1, 2, 3].map(() => cell(`depth ${last}`, [0, last])));
  const subtract = differencesAmong(cells);
  close(subtract(0, 3).variance, (2 * 4 + 2) / 3 / 2, 1e-12);
  close(subtract(0, 6).variance, (2 * 4 + 8) / 3 / 2, 1e-12);
  assert.equal(subtract(0, 6).degreesOfFreedom, 2);
  assert.deepEqual(summary(subtract(0, 1)), [2, 0, 0, 2]);
});

test('depths of two cells, two depths and other models lend nothing', () => {
  const pairs = differencesAmong([0, 2, 4].flatMap((last) => [1, 2].map(() => cell(`${last}`, [0, last]))));
  assert.deepEqual(summary(pairs(0, 4)), [2, -2, 4, 1]);
  const depths = differencesAmong([0, 4].flatMap((last) => [1, 2, 3].map(() => cell(`${last}`, [0, last]))));
  assert.deepEqual(summary(depths(0, 3)), [2, -2, 4, 1]);
  const models = differencesAmong(['a', 'b', 'c'].map((model, index) => cell('all', [0, 2 * index], model)));
  assert.deepEqual(summary(models(0, 2)), [2, -2, 4, 1]);
});

test('a cell with one seed lends nothing and has no interval; one without common seeds has no difference', () => {
  const subtract = differencesAmong([cell('a', [1, 3]), cell('a', [0, 0]), cell('a', [5]), cell('a', [null, null, 4])]);
  assert.equal(subtract(0, 1).degreesOfFreedom, 1);
  assert.deepEqual(subtract(0, 2), { n: 1, mean: -4, variance: null, degreesOfFreedom: 0, text: null });
  assert.deepEqual(summary(subtract(0, 3)), [0, null, null, 0]);
  assert.deepEqual([pOf(subtract(0, 2)), halfWidth(subtract(0, 2), 0.025)], [null, null]);
});

test('a floor keeps ties of a counted measure from being certain', () => {
  const [one, other] = [cell('a', [0.4, 0.5]), cell('a', [0.3, 0.4])];
  const floor = (difference: number) => Math.max(Math.abs(difference), 0.001) / 1000;
  close(differencesAmong([one, other], { floor })(0, 1).variance, 1e-4, 1e-12);
});

test('differences without any variance: p is 1 for zero, 0 otherwise', () => {
  const subtract = differencesAmong([cell('a', [1, 2]), cell('a', [1, 2]), cell('b', [3, 4])]);
  assert.deepEqual([pOf(subtract(0, 1)), pOf(subtract(0, 2))], [1, 0]);
});

test('records that differ alike in both seeds are text: MS_J = 4, MS_E = 0, so 4/(2·2); unlike ones are seeds', () => {
  const alike = [
    [1, 3],
    [3, 5],
  ];
  assert.deepEqual(textVariance(alike, [10, 10]), { variance: 1, degreesOfFreedom: 1 });
  const unlike = [
    [1, 3],
    [3, 3],
  ];
  assert.deepEqual(textVariance(unlike, [10, 10]), { variance: 0, degreesOfFreedom: 1 });
  assert.equal(textVariance([[1, 3]], [10, 10]), null);
  assert.equal(textVariance([[1], [2]], [10]), null);
});

test('records weigh by their tokens: 0 of 10 and 4 of 30 have the mean 3 and the terms −1.5 and 1.5', () => {
  const differences = [
    [0, 4],
    [0, 4],
  ];
  assert.deepEqual(textVariance(differences, [10, 30]), { variance: 2.25, degreesOfFreedom: 1 });
});

test('seeds and text add up as squares, and p is where that interval touches zero', () => {
  const text = { variance: 1, degreesOfFreedom: 1 };
  const difference = differencesAmong([cell('a', [1, 3]), cell('a', [0, 0])], { text: () => text })(0, 1);
  close(halfWidth(difference, 0.025), 12.7062 * Math.SQRT2);
  const p = pOf(difference) ?? Number.NaN;
  close(halfWidth(difference, p / 2), 2, 1e-9);
});

test('one rule in a column: m intervals at 1 − α/m, and p times m', () => {
  const subtract = differencesAmong([cell('a', [0, 0]), cell('a', [1, 3]), cell('a', [2, 2]), cell('a', [9])]);
  const [first, second, single] = simultaneous([subtract(1, 0), subtract(2, 0), subtract(3, 0)]);
  // t(1 − 0.05/4, 2) = 6.2053
  close(first?.high, 2 + 6.2053 * Math.sqrt(7 / 9), 1e-3);
  close(second?.low, 2 - 6.2053 * (2 / 3), 1e-3);
  close(first?.pAdjusted, 2 * (first?.p ?? 0), 1e-12);
  assert.deepEqual(single, { n: 1, mean: 9, low: null, high: null, p: null, pAdjusted: null });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../forecast/random.ts';
import { bestSet, equivalence } from './best-set.ts';
import { type Difference, differencesAmong } from './differences.ts';
import { coverage, STRUCTURES } from './testing/coverage.ts';

const close = (actual: number | null | undefined, expected: number, tolerance: number) =>
  assert.ok(
    actual !== null && actual !== undefined && Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected} ± ${tolerance}`,
  );
const among = (...cells: readonly (readonly number[])[]) =>
  differencesAmong(
    cells.map((values) => ({
      model: 'model',
      depth: 'all',
      values: new Map(values.map((value, seed) => [String(seed), value])),
    })),
  );

test('three cells: what is worse by more than t(0.975, 2) · s̃/√2 goes, the others stay with their bounds', () => {
  const subtract = among([0, 0], [1, 3], [20, 20]);
  const [best, next, ...more] = bestSet([0, 1, 2], subtract);
  assert.deepEqual([best?.place, next?.place, more], [0, 1, []]);
  // 4.30265 · √(14/9/2) = 3.7946
  close(best?.atMostWorse, 3.7946 - 2, 1e-3);
  close(next?.atMostWorse, 3.7946 + 2, 1e-3);
});

test('a cell that is clearly the best is alone and 0 worse; one seed excludes nothing and bounds nothing', () => {
  assert.deepEqual(bestSet([0, 1], among([0, 0], [9, 9])), [{ place: 0, atMostWorse: 0 }]);
  assert.deepEqual(bestSet([0, 1], among([0], [9])), [
    { place: 0, atMostWorse: null },
    { place: 1, atMostWorse: null },
  ]);
});

test('a cell alone is the best of one', () => {
  assert.deepEqual(bestSet([0], among([3, 4])), [{ place: 0, atMostWorse: 0 }]);
});

test('of very many cells that nothing tells apart none is excluded and none is bounded', () => {
  const values = Array.from({ length: 150 }, (_, index) => [index % 7, (index + 3) % 7]);
  const found = bestSet([...values.keys()], among(...values));
  assert.equal(found.length, 150);
  assert.ok(found.every(({ atMostWorse }) => atMostWorse === null));
});

test('equivalence: shown within both bounds, refuted beyond one, else open; one seed leaves it open', () => {
  // t(0.95, 4) = 2.1318
  const difference = (mean: number): Difference => ({ n: 5, mean, variance: 0.01, degreesOfFreedom: 4, text: null });
  assert.equal(equivalence(difference(0.1), 0.32), 'shown');
  assert.equal(equivalence(difference(0.1), 0.31), 'open');
  assert.equal(equivalence(difference(-0.1), 0.31), 'open');
  assert.equal(equivalence(difference(0.5), 0.28), 'refuted');
  assert.equal(equivalence(difference(-0.5), 0.28), 'refuted');
  assert.equal(equivalence(difference(0.5), 0.29), 'open');
  assert.equal(equivalence({ ...difference(0), variance: null }, 9), 'open');
});

test('drawn data: intervals hold the truth in 95 ± 2 %, the set holds the best cell, and both are narrower than paired t', () => {
  const random = seeded(7);
  for (const [name, structure] of Object.entries(STRUCTURES)) {
    for (const seeds of [2, 3, 5]) {
      const found = coverage(structure, seeds, 250, random);
      const where = `${name}, ${seeds} seeds: ${JSON.stringify(found)}`;
      // Two seeds of equal cells: the bound on the degrees of freedom is on the safe side.
      assert.ok(found.average >= 0.93 && (found.average <= 0.97 || seeds === 2), where);
      assert.ok(found.bestSet >= 0.95 && found.bounds >= 0.95, where);
      const paired = name === 'two cells a depth';
      assert.ok(paired ? found.widthWithin === 1 : found.widthWithin < (seeds === 2 ? 0.5 : 0.95), where);
    }
  }
});

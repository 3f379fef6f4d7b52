import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mean } from '../measures/measures.ts';
import {
  adjustDeltas,
  estimate,
  estimateOfExponential,
  holm,
  pairedDifference,
  pairedRatio,
  standardDeviation,
  tCritical,
} from './statistics.ts';

const close = (actual: number | null | undefined, expected: number, tolerance = 1e-9) =>
  assert.ok(
    actual !== null && actual !== undefined && Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected} ± ${tolerance}`,
  );
const value = fc.integer({ min: -1e9, max: 1e9 }).map((thousandths) => thousandths / 1000);
const positive = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
const probability = fc.double({ min: 0, max: 1, noNaN: true });

test("critical values of Student's t are those of the published table (NIST/SEMATECH 1.3.6.7.2)", () => {
  const table = [
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [9, 2.262],
    [30, 2.042],
    [100, 1.984],
  ] as const;
  for (const [degrees, expected] of table) close(tCritical(degrees), expected, 5e-4);
});

test('nothing measured is null, one sample has no interval', () => {
  assert.deepEqual(estimate([]), { n: 0, mean: null, sd: null, low: null, high: null, samples: [] });
  assert.deepEqual(estimate([4]), { n: 1, mean: 4, sd: null, low: null, high: null, samples: [4] });
  assert.equal(mean([]), null);
  assert.equal(standardDeviation([1]), null);
});

test('two samples 2 and 4: mean 3, sd √2, interval 3 ± 12.706 · √2/√2', () => {
  const { mean: centre, sd, low, high } = estimate([2, 4]);
  assert.equal(centre, 3);
  close(sd, Math.SQRT2);
  close(low, 3 - 12.706, 5e-4);
  close(high, 3 + 12.706, 5e-4);
});

test('1 to 5: sd 1.5811, half width 2.776 · 1.5811/√5 = 1.963', () => {
  const { sd, low, high } = estimate([1, 2, 3, 4, 5]);
  close(sd, 1.5811, 5e-5);
  close(high, 4.963, 1e-3);
  close(low, 1.037, 1e-3);
});

test("Student's sleep data (Biometrika 6, 1908): mean 1.58, interval 0.70 to 2.46, p 0.00283", () => {
  const delta = pairedDifference([1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4]);
  close(delta.mean, 1.58);
  close(delta.low, 0.7001, 1e-4);
  close(delta.high, 2.4599, 1e-4);
  close(delta.p, 0.002833, 1e-6);
});

test('differences that are all equal: p is 1 for zero, 0 otherwise; one pair is not tested', () => {
  assert.deepEqual(pairedDifference([0, 0, 0]), { n: 3, mean: 0, low: 0, high: 0, p: 1, pAdjusted: null });
  assert.equal(pairedDifference([0.1, 0.1, 0.1]).p, 0);
  assert.equal(pairedDifference([5]).p, null);
  assert.equal(pairedDifference([]).n, 0);
});

test('ratios 2 and 8 have the geometric mean 4; the swapped ratio is its inverse', () => {
  close(
    pairedRatio([
      [2, 1],
      [8, 1],
    ]).mean,
    4,
  );
  close(
    pairedRatio([
      [1, 2],
      [1, 8],
    ]).mean,
    0.25,
  );
});

test('a pair without a positive side has no ratio', () => {
  assert.equal(
    pairedRatio([
      [0, 1],
      [1, 0],
      [3, 1],
    ]).n,
    1,
  );
});

test("Holm agrees with R's p.adjust(c(0.01, 0.04, 0.03, 0.02), 'holm')", () => {
  const adjusted = holm([0.01, 0.04, 0.03, 0.02]);
  for (const [index, expected] of [0.04, 0.06, 0.06, 0.06].entries()) close(adjusted[index], expected);
  assert.deepEqual(holm([null, 0.03, null]), [null, 0.03, null]);
});

test('perplexity of a row is exp of its loss, and its interval stays positive', () => {
  const logs = [1, 3];
  const { mean: centre, low, sd } = estimateOfExponential(logs, logs.map(Math.exp));
  close(centre, Math.exp(2));
  assert.ok(low !== null && low > 0);
  close(sd, (Math.exp(3) - Math.exp(1)) / Math.SQRT2);
});

test('property: an interval holds its mean and widens by the factor of its samples', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 2, maxLength: 30 }), fc.integer({ min: -8, max: 8 }), (samples, power) => {
      const factor = 2 ** power;
      const plain = estimate(samples);
      const scaled = estimate(samples.map((sample) => sample * factor));
      assert.ok((plain.low ?? 0) <= (plain.mean ?? 0) && (plain.mean ?? 0) <= (plain.high ?? 0));
      close(scaled.mean, (plain.mean ?? 0) * factor, 1e-3);
      close(scaled.high, (plain.high ?? 0) * factor, 1e-3);
    }),
  );
});

test('property: the p of a paired test does not depend on the unit', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 2, maxLength: 20 }), fc.integer({ min: -8, max: 8 }), (samples, power) => {
      close(
        pairedDifference(samples.map((sample) => sample * 2 ** power)).p,
        pairedDifference(samples).p ?? Number.NaN,
        1e-9,
      );
    }),
  );
});

test('property: swapping both sides of a ratio inverts it and keeps p', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(positive, positive), { minLength: 2, maxLength: 20 }), (pairs) => {
      const there = pairedRatio(pairs);
      const back = pairedRatio(pairs.map(([a, b]) => [b, a]));
      close((there.mean ?? 0) * (back.mean ?? 0), 1, 1e-9);
      close(there.p, back.p ?? Number.NaN, 1e-9);
    }),
  );
});

test('property: Holm never lowers a p, keeps their order and stays at most 1', () => {
  fc.assert(
    fc.property(fc.array(fc.option(probability), { maxLength: 40 }), (pValues) => {
      const adjusted = holm(pValues);
      const tested = pValues.flatMap((p, index) => (p === null ? [] : [{ p, q: adjusted[index] ?? Number.NaN }]));
      for (const { p, q } of tested) assert.ok(q >= p && q <= 1);
      for (const a of tested) for (const b of tested) if (a.p < b.p) assert.ok(a.q <= b.q);
      assert.deepEqual(
        adjusted.map((q) => q === null),
        pValues.map((p) => p === null),
      );
    }),
  );
});

test('adjusting a column changes nothing but pAdjusted', () => {
  const deltas = [pairedDifference([1, 2, 3]), pairedDifference([1]), pairedDifference([5, 5.1, 5.2])];
  const adjusted = adjustDeltas(deltas);
  assert.equal(adjusted[1]?.pAdjusted, null);
  assert.deepEqual(
    adjusted.map((delta) => ({ ...delta, pAdjusted: null })),
    deltas,
  );
  close(adjusted[2]?.pAdjusted, 2 * (deltas[2]?.p ?? 0));
});

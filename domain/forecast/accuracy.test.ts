import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accuracyOf, ENOUGH_CHECKS } from './accuracy.ts';
import { normal, seeded } from './random.ts';
import { intervalOf, widened } from './statistics.ts';

const predicted = { low: 50, median: 100, high: 200 };

test('nothing checked: nothing said', () => {
  assert.deepEqual(accuracyOf([]), { n: 0, medianError: null, coverage: null, widening: 1 });
});

test('median error and coverage are of what was predicted', () => {
  const accuracy = accuracyOf([110, 100, 300].map((actual) => ({ predicted, widening: 1, actual })));
  assert.equal(accuracy.n, 3);
  assert.equal(accuracy.medianError, 0.1);
  assert.equal(accuracy.coverage, 2 / 3);
  assert.equal(accuracy.widening, 1, 'three are too few to correct by');
});

test('intervals that held too little are widened until they would have held what they promise', () => {
  const random = seeded(3);
  const draw = () => 100 * Math.exp(0.5 * normal(random));
  const narrow = { low: 90, median: 100, high: 110 };
  const checked = Array.from({ length: 200 }, () => ({ predicted: narrow, widening: 1, actual: draw() }));
  const { widening, coverage } = accuracyOf(checked);
  assert.ok(coverage !== null && coverage < 0.3);
  const wide = widened(narrow, widening);
  const fresh = Array.from({ length: 2000 }, draw);
  const inside = fresh.filter((actual) => actual >= wide.low && actual <= wide.high).length / fresh.length;
  assert.ok(inside > 0.75 && inside < 0.87, `${inside} inside`);
  const again = accuracyOf(checked.map((one) => ({ ...one, predicted: wide, widening })));
  assert.ok(Math.abs(again.widening - widening) < 1e-9, 'a widened interval is judged as if it had not been');
});

test('good forecasts are left as they are', () => {
  const checked = Array.from({ length: ENOUGH_CHECKS }, () => ({ predicted, widening: 1, actual: 101 }));
  assert.equal(accuracyOf(checked).widening, 1);
});

test('the interval of draws holds four fifths of them', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 20, maxLength: 200 }), (draws) => {
      const interval = intervalOf(draws);
      assert.ok(interval);
      const inside = draws.filter((draw) => draw >= interval.low && draw <= interval.high).length;
      assert.ok(inside >= Math.floor(draws.length * 0.8) - 1);
    }),
  );
  assert.equal(intervalOf([1, 2, Number.POSITIVE_INFINITY]), null);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { logTicks } from './ticks.ts';

test('a wide range gets powers of ten and their round parts, a small one even steps', () => {
  assert.deepEqual(logTicks(1, 1000, 5), [1, 10, 100, 1000]);
  assert.deepEqual(logTicks(0.0005, 0.005, 6), [0.0005, 0.001, 0.002, 0.005]);
  assert.deepEqual(logTicks(20.1, 43, 6), [25, 30, 35, 40]);
});

test('ticks lie within the range, ascend, and keep their distance', () => {
  const positive = fc.double({ min: 1e-6, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(
      positive,
      fc.double({ min: 1.001, max: 1e6, noNaN: true }),
      fc.integer({ min: 2, max: 10 }),
      (low, ratio, most) => {
        const high = low * ratio;
        const ticks = logTicks(low, high, most);
        ticks.forEach((tick, i) => {
          assert.ok(tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
          if (i > 0) assert.ok(Math.log(tick / ticks[i - 1]!) / Math.log(high / low) >= 1 / most - 1e-9);
        });
      },
    ),
  );
});

test('a range without width has its one value', () => {
  assert.deepEqual(logTicks(5, 5, 4), [5]);
  assert.deepEqual(logTicks(0, 5, 4), []);
});

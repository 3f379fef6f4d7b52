import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, bytes, compact, count, DASH, duration, fixed, percent, secondsBetween, signed } from './format.ts';

test('what was not measured is a dash and never a zero', () => {
  for (const format of [bytes, compact, count, duration, percent]) {
    assert.equal(format(null), DASH);
    assert.equal(format(undefined), DASH);
    assert.equal(format(Number.NaN), DASH);
  }
  assert.equal(fixed(null, 3), DASH);
  assert.equal(signed(null, 3), DASH);
  assert.notEqual(compact(0), DASH);
});

test('numbers keep about three significant digits', () => {
  assert.deepEqual([1234567, 345.6, 34.56, 3.456, 0.03456].map(compact), ['1,234,567', '346', '34.6', '3.46', '0.035']);
  assert.equal(count(268_098_176), '268 M');
  assert.equal(count(8_030_261_248), '8.03 B');
  assert.equal(bytes(2.5 * 2 ** 30), '2.50 GiB');
  assert.equal(bytes(151 * 2 ** 20), '151 MiB');
});

test('signs are typographic, and a rounded zero has none', () => {
  assert.equal(signed(0.123, 2), '+0.12');
  assert.equal(signed(-0.126, 2), '−0.13');
  assert.equal(signed(-0.0001, 2), '0.00');
  assert.equal(fixed(-1, 1), '−1.0');
});

test('durations show their two largest units and never 60 of the smaller', () => {
  assert.deepEqual([3.21, 45, 200, 3599.6, 7190, 7500, 86_399, 273_600].map(duration), [
    '3.2 s',
    '45 s',
    '3 min 20 s',
    '1 h',
    '2 h',
    '2 h 5 min',
    '1 d',
    '3 d 4 h',
  ]);
});

test('ages and spans', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  assert.equal(ago('2026-01-01T23:59:50Z', now), 'just now');
  assert.equal(ago('2026-01-01T23:40:00Z', now), '20 min ago');
  assert.equal(ago('2025-12-30T00:00:00Z', now), '3 d ago');
  assert.equal(secondsBetween(null, null, now), null);
  assert.equal(secondsBetween('2026-01-01T23:59:00Z', null, now), 60);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refit } from './margins.ts';
import { DEFAULT_MARGINS } from './overhead.ts';

const GIB = 2 ** 30;
const trial = (estimated: number, allocated: number, reserved: number | null, process: number | null) => ({
  estimatedAllocatedBytes: estimated * GIB,
  allocatedBytes: allocated * GIB,
  reservedBytes: reserved === null ? null : reserved * GIB,
  processBytes: process === null ? null : process * GIB,
});

test('nothing measured, nothing changed', () => {
  assert.deepEqual(refit(DEFAULT_MARGINS, []), DEFAULT_MARGINS);
});

test('many alike trials decide; few are drawn towards what was assumed', () => {
  const measured = trial(10, 11, 12.1, 13.1);
  const few = refit(DEFAULT_MARGINS, [measured]);
  const many = refit(
    DEFAULT_MARGINS,
    Array.from({ length: 297 }, () => measured),
  );
  assert.ok(Math.abs(many.unexplained - 0.1) < 0.002 && Math.abs(few.unexplained - 0.025) < 1e-9);
  assert.ok(
    Math.abs(many.fragmentation - 0.1) < 0.002 &&
      Math.abs(few.fragmentation - (3 * DEFAULT_MARGINS.fragmentation + 0.1) / 4) < 1e-9,
  );
  assert.ok(Math.abs(many.context / GIB - 1) < 0.01);
});

test('the order of the trials does not matter, and one that is far off raises the safety', () => {
  const usual = Array.from({ length: 9 }, () => trial(10, 10, 10.5, 11));
  const odd = trial(10, 15, 15.8, 16.3);
  assert.deepEqual(refit(DEFAULT_MARGINS, [...usual, odd]), refit(DEFAULT_MARGINS, [odd, ...usual]));
  assert.ok(refit(DEFAULT_MARGINS, [...usual, odd]).safety > DEFAULT_MARGINS.safety);
  assert.ok(refit(DEFAULT_MARGINS, usual).safety < DEFAULT_MARGINS.safety);
});

test('counters that were not read are left out', () => {
  const margins = refit(DEFAULT_MARGINS, [trial(10, 10, null, null)]);
  assert.equal(margins.context, DEFAULT_MARGINS.context);
  assert.equal(margins.fragmentation, DEFAULT_MARGINS.fragmentation);
});

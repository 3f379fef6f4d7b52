import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantity } from './quantity.ts';

const table: readonly (readonly [string | undefined, number | null])[] = [
  ['4', 4],
  ['0', 0],
  ['1.5', 1.5],
  ['500m', 0.5],
  ['2k', 2000],
  ['64Gi', 64 * 2 ** 30],
  ['12e3', 12_000],
  ['1E', 1e18],
  ['24479284Ki', 24_479_284 * 1024],
  ['', null],
  ['many', null],
  ['4 GPUs', null],
  [undefined, null],
];

for (const [text, expected] of table) {
  test(`${text} is ${expected}`, () => assert.equal(quantity(text), expected));
}

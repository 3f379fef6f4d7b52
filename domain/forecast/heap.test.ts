import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHeap } from './heap.ts';

test('what happens first comes first, and of what happens together, what was pushed first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (times) => {
      const heap = createHeap<number>();
      for (const [index, at] of times.entries()) heap.push(at, index);
      const popped: { at: number; item: number }[] = [];
      for (let next = heap.pop(); next !== null; next = heap.pop()) popped.push(next);
      const expected = times.map((at, item) => ({ at, item })).sort((a, b) => a.at - b.at || a.item - b.item);
      assert.deepEqual(popped, expected);
    }),
  );
});

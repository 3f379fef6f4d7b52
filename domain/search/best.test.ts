import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestOf } from './best.ts';

const suggestions = (...values: (number[] | null)[]) => values.map((each, number) => ({ number, values: each }));
const numbers = (of: readonly { number: number }[]) => of.map(({ number }) => number);

test('the best of one objective is one suggestion, the first of equals', () => {
  const ended = suggestions([3], null, [1], [2], [1]);
  assert.deepEqual(numbers(bestOf(ended, ['minimize'])), [2]);
  assert.deepEqual(numbers(bestOf(ended, ['maximize'])), [0]);
  assert.deepEqual(bestOf(suggestions(null), ['minimize']), []);
});

test('the best of several objectives are those that no other is better than in all', () => {
  const ended = suggestions([1, 10], [2, 30], [3, 20], null, [0.5, 5]);
  assert.deepEqual(numbers(bestOf(ended, ['minimize', 'maximize'])), [0, 1, 4]);
});

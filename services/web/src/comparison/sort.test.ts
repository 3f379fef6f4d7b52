import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextSort, sortRows } from './sort.ts';

test('what was not measured goes last in both directions', () => {
  const value = (row: number | null) => row;
  assert.deepEqual(sortRows([null, 2, 1], value, 'ascending'), [1, 2, null]);
  assert.deepEqual(sortRows([null, 1, 2], value, 'descending'), [2, 1, null]);
});

test('numbers inside text count as numbers', () => {
  assert.deepEqual(
    sortRows(['12 layers', '6 layers'], (row) => row, 'ascending'),
    ['6 layers', '12 layers'],
  );
});

test('three clicks on a header lead back to the given order', () => {
  const first = nextSort(null, 'loss', 'ascending');
  const second = nextSort(first, 'loss', 'ascending');
  assert.deepEqual([first?.direction, second?.direction], ['ascending', 'descending']);
  assert.equal(nextSort(second, 'loss', 'ascending'), null);
  assert.deepEqual(nextSort(second, 'speed', 'descending'), { column: 'speed', direction: 'descending' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { depthOf, seriesOf } from './points.ts';

test('a precision is one series, and two where it was trained in two ways, with marks of their own', () => {
  const { series, nameOf } = seriesOf([
    { precision: 'nf4', method: 'qlora' },
    { precision: 'bf16', method: 'lora' },
    { precision: 'bf16', method: 'full' },
  ]);
  assert.deepEqual(
    series.map((one) => one.name),
    ['bf16 full', 'bf16 lora', 'nf4'],
  );
  assert.equal(series[0]?.color, series[1]?.color);
  assert.equal(new Set(series.map((one) => one.symbol)).size, 3);
  assert.equal(nameOf({ precision: 'nf4', method: 'qlora' }), 'nf4');
});

test('depth comes from what was kept, else from the choice', () => {
  const layers = { kept: null, original: 18 };
  assert.equal(depthOf({ layers: { ...layers, choice: { strategy: 'all' } } }), 18);
  assert.equal(depthOf({ layers: { ...layers, choice: { strategy: 'drop-last', drop: 4 } } }), 14);
  assert.equal(depthOf({ layers: { ...layers, choice: { strategy: 'all' }, original: null } }), null);
  assert.equal(depthOf({ layers: { ...layers, choice: { strategy: 'first', keep: 6 }, kept: [0, 1] } }), 2);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heatScale } from './heat.ts';

test('the best value has intensity 1, whichever end is better', () => {
  const loss = heatScale([3, 4, 5, null], { better: 'lower', scale: 'linear' });
  assert.deepEqual([3, 4, 5].map(loss!.intensity), [1, 0.5, 0]);
  assert.deepEqual([loss!.best, loss!.worst], [3, 5]);
  const speed = heatScale([10, 30], { better: 'higher', scale: 'linear' });
  assert.deepEqual([10, 30].map(speed!.intensity), [0, 1]);
});

test('a logarithmic scale keeps one outlier from flattening the rest', () => {
  const scale = heatScale([10, 100, 1000], { better: 'lower', scale: 'log' });
  assert.ok(Math.abs(scale!.intensity(100)! - 0.5) < 1e-12);
});

test('nothing to compare: no scale; nothing measured: no tint; all equal: the middle', () => {
  assert.equal(heatScale([null, 3], { better: 'lower', scale: 'linear' }), null);
  const scale = heatScale([2, 2], { better: 'lower', scale: 'linear' });
  assert.equal(scale!.intensity(2), 0.5);
  assert.equal(scale!.intensity(null), null);
});

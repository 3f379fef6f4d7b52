import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lossCurve } from './curve.ts';

test('high losses are high up, the line spans the width', () => {
  const curve = lossCurve(
    [
      { step: 1, loss: 6 },
      { step: 2, loss: 4 },
      { step: 3, loss: 2 },
    ],
    100,
    50,
  );
  assert.equal(curve?.path, 'M0.0,0.0L50.0,25.0L100.0,50.0');
  assert.deepEqual(curve?.last, { x: 100, y: 50, loss: 2 });
});

test('a loss that was not finite breaks the line and is no point of it', () => {
  const curve = lossCurve(
    [
      { step: 1, loss: 2 },
      { step: 2, loss: null },
      { step: 3, loss: 4 },
      { step: 4, loss: null },
    ],
    90,
    10,
  );
  assert.equal(curve?.path, 'M0.0,10.0M60.0,0.0');
  assert.equal(curve?.lastStep, 4);
});

test('no loss, no curve; one loss, one point', () => {
  assert.equal(lossCurve([], 10, 10), null);
  assert.equal(lossCurve([{ step: 1, loss: null }], 10, 10), null);
  assert.equal(lossCurve([{ step: 5, loss: 3 }], 10, 10)?.path, 'M10.0,5.0');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from '../../testing/failures.ts';
import { crashed } from './crashed.ts';

test('a crashed trial is retried with exponential back-off until its attempts are used up', () => {
  const after = (strikes: number, attempts: number) => crashed(failureOf({ trial: { strikes }, policy: { attempts } }));
  assert.deepEqual(after(0, 3), { action: 'retry', delayMs: 1000, strike: true });
  assert.deepEqual(after(1, 3), { action: 'retry', delayMs: 2000, strike: true });
  assert.deepEqual(after(2, 3), { action: 'fail', message: 'why' });
  assert.deepEqual(after(7, 9), { action: 'retry', delayMs: 5000, strike: true });
});

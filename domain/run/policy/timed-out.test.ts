import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from '../testing/failures.ts';
import { timedOut } from './timed-out.ts';

test('a trial beyond its deadline fails', () => {
  assert.deepEqual(timedOut(failureOf({ end: { message: 'took 61 s' } })), { action: 'fail', message: 'took 61 s' });
});

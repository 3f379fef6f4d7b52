import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from '../testing/failures.ts';
import { unplaceable } from './unplaceable.ts';

test('a trial that found no place until its start deadline fails', () => {
  assert.deepEqual(unplaceable(failureOf({ end: { message: 'no node' } })), { action: 'fail', message: 'no node' });
});

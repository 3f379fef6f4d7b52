import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from '../testing/failures.ts';
import { invalid } from './invalid.ts';

test('an invalid trial fails with its message, whatever retries are left', () => {
  assert.deepEqual(invalid(failureOf({ end: { message: 'no such column' } })), {
    action: 'fail',
    message: 'no such column',
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from '../../testing/failures.ts';
import { fail } from './fail.ts';

for (const message of ['no such column', 'took 61 s', 'no node']) {
  test(`the trial fails with its message, whatever retries are left: ${message}`, () => {
    assert.deepEqual(fail(failureOf({ end: { message } })), { action: 'fail', message });
  });
}

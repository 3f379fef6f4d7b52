import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from '../../testing/failures.ts';
import { stalled } from './stalled.ts';

test('a stalled trial resumes once and pays for it with a retry', () => {
  assert.deepEqual(stalled(failureOf({})), { action: 'retry', delayMs: 0, strike: true, stall: true });
  assert.deepEqual(stalled(failureOf({ trial: { stalls: 1 } })), { action: 'fail', message: 'why' });
  assert.deepEqual(stalled(failureOf({ policy: { attempts: 1 } })), { action: 'fail', message: 'why' });
});

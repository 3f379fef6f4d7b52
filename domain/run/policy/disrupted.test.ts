import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from '../testing/failures.ts';
import { disrupted } from './disrupted.ts';

test('a disrupted trial goes on at once and uses up none of the retries', () => {
  assert.deepEqual(disrupted(failureOf({ trial: { strikes: 2 } })), { action: 'retry', delayMs: 0 });
});

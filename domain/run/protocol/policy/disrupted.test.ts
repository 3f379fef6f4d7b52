import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, POLICY } from '../../testing/failures.ts';
import { disrupted } from './disrupted.ts';

test('a disrupted trial goes on at once and uses up none of the retries', () => {
  assert.deepEqual(disrupted(failureOf({ trial: { strikes: 2 } })), { action: 'retry', delayMs: 0 });
});

test('a trial that is disrupted again and again gives the cluster time', () => {
  const delays = [2, 3, 4, 9].map((attempt) => disrupted(failureOf({ trial: { attempt } })));
  const { initialMs, maxMs } = POLICY.backoff;
  assert.deepEqual(
    delays,
    [initialMs, 2 * initialMs, 4 * initialMs, maxMs].map((delayMs) => ({ action: 'retry', delayMs })),
  );
});

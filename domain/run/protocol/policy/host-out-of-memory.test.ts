import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, PLAN } from '../../testing/failures.ts';
import { hostOutOfMemory } from './host-out-of-memory.ts';

test('the memory request is raised by half, up to the bound, then the trial does not fit', () => {
  const raised = (memoryBytes: number) => hostOutOfMemory(failureOf({ plan: { memoryBytes } }));
  assert.deepEqual(raised(400), { action: 'retry', delayMs: 0, plan: { ...PLAN, memoryBytes: 600 } });
  assert.deepEqual(raised(800), { action: 'retry', delayMs: 0, plan: { ...PLAN, memoryBytes: 1000 } });
  assert.deepEqual(raised(1000), { action: 'fail', message: 'does-not-fit: why' });
});

test('a limit that only the cluster has set is raised like a request', () => {
  const decision = hostOutOfMemory(failureOf({ end: { memoryLimitBytes: 400 } }));
  assert.deepEqual(decision, { action: 'retry', delayMs: 0, plan: { ...PLAN, memoryBytes: 600 } });
});

test('without a request there is nothing to raise: it counts as a crash', () => {
  assert.deepEqual(hostOutOfMemory(failureOf({})), { action: 'retry', delayMs: 1000, strike: true });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, PLAN } from '../../testing/failures.ts';
import { gpuFault } from './gpu-fault.ts';

test('the faulty node is excluded, once', () => {
  const decision = gpuFault(failureOf({ end: { node: 'n1' } }));
  assert.deepEqual(decision, { action: 'retry', delayMs: 0, plan: { ...PLAN, excludedNodes: ['n1'] } });
  const again = gpuFault(failureOf({ plan: { excludedNodes: ['n1'] }, end: { node: 'n1' } }));
  assert.deepEqual(again, { action: 'retry', delayMs: 0 });
});

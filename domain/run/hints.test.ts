import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyHint, hintOf } from './hints.ts';
import { PLAN } from './testing/failures.ts';

test('a plan takes over what is known to fit and keeps its excluded nodes', () => {
  const worked = { ...PLAN, microBatch: 1, accumulation: 8, checkpointing: true, excludedNodes: ['n1'] };
  const planned = { ...PLAN, excludedNodes: ['n2'] };
  assert.deepEqual(applyHint(planned, hintOf(worked)), { ...worked, excludedNodes: ['n2'] });
});

test('a hint for another effective batch is not used', () => {
  assert.equal(applyHint(PLAN, { ...hintOf(PLAN), microBatch: 1, accumulation: 4 }), PLAN);
  assert.equal(applyHint(PLAN, undefined), PLAN);
});

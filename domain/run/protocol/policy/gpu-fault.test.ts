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

test('each further node comes after a longer pause, and what excludes nothing uses up retries', () => {
  const policy = { pauseAfterGpuFault: true } as const;
  const elsewhere = (excludedNodes: readonly string[]) =>
    gpuFault(failureOf({ policy, plan: { excludedNodes: [...excludedNodes] }, end: { node: 'n9' } }));
  assert.deepEqual(
    [[], ['n1'], ['n1', 'n2']].map((before) => {
      const decision = elsewhere(before);
      return decision.action === 'retry' && [decision.delayMs, decision.plan?.excludedNodes.length, decision.strike];
    }),
    [
      [1000, 1, undefined],
      [2000, 2, undefined],
      [4000, 3, undefined],
    ],
  );
  const nowhere = (strikes: number) => gpuFault(failureOf({ policy, trial: { strikes }, end: { node: null } }));
  assert.deepEqual(nowhere(0), { action: 'retry', delayMs: 1000, strike: true });
  assert.deepEqual(nowhere(1), { action: 'retry', delayMs: 2000, strike: true });
  assert.deepEqual(nowhere(2), { action: 'fail', message: 'why' });
  const again = gpuFault(failureOf({ policy, plan: { excludedNodes: ['n1'] }, end: { node: 'n1' } }));
  assert.deepEqual(again, { action: 'retry', delayMs: 1000, strike: true });
});

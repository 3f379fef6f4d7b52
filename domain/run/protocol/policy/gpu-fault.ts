import { backoffMs } from './crashed.ts';
import type { FailurePolicy } from './types.ts';

/**
 * Another node or device, after a pause; the faulty one is excluded. A fault that leaves nothing to exclude (nobody knows
 * where it was, or it was where the trial was not to go) uses up one of the user's retries. Runs from before there was
 * `pauseAfterGpuFault` go on without pause and limit, as their histories say.
 */
export const gpuFault: FailurePolicy = ({ trial, end, policy }) => {
  const { node } = end;
  const { excludedNodes } = trial.plan;
  const pauses = policy.pauseAfterGpuFault === true;
  if (node === null || excludedNodes.includes(node)) {
    if (!pauses) return { action: 'retry', delayMs: 0 };
    const strikes = trial.strikes + 1;
    if (strikes >= policy.attempts) return { action: 'fail', message: end.message };
    return { action: 'retry', delayMs: backoffMs(policy.backoff, strikes), strike: true };
  }
  return {
    action: 'retry',
    delayMs: pauses ? backoffMs(policy.backoff, excludedNodes.length + 1) : 0,
    plan: { ...trial.plan, excludedNodes: [...excludedNodes, node] },
  };
};

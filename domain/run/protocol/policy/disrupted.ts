import { backoffMs } from './crashed.ts';
import type { FailurePolicy } from './types.ts';

/**
 * Preempted, drained, evicted or lost: another attempt, at once where it was the trial's first one. After any further
 * attempt, for whatever the ones before had ended, the cluster is given time: a node that refuses every trial at once
 * would otherwise use up all attempts within a minute.
 */
export const disrupted: FailurePolicy = ({ trial, policy }) => {
  const before = trial.attempt - trial.firstAttempt;
  return { action: 'retry', delayMs: before === 0 ? 0 : backoffMs(policy.backoff, before) };
};

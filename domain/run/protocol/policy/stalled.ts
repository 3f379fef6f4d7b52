import type { FailurePolicy } from './types.ts';

/** One resume; a trial that stalls twice will stall again. */
export const stalled: FailurePolicy = ({ trial, end, policy }) => {
  if (trial.stalls > 0 || trial.strikes + 1 >= policy.attempts) return { action: 'fail', message: end.message };
  return { action: 'retry', delayMs: 0, strike: true, stall: true };
};

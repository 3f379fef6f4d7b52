import type { RunPolicy } from '../../types.ts';
import type { FailurePolicy } from './types.ts';

/** Again with exponential back-off, as often as the user allows. */
export const crashed: FailurePolicy = ({ trial, end, policy }) => {
  const strikes = trial.strikes + 1;
  if (strikes >= policy.attempts) return { action: 'fail', message: end.message };
  return { action: 'retry', delayMs: backoffMs(policy.backoff, strikes), strike: true };
};

/** Milliseconds before the attempt that follows strike number `strikes`. */
export function backoffMs(backoff: RunPolicy['backoff'], strikes: number): number {
  return Math.min(backoff.maxMs, Math.round(backoff.initialMs * backoff.factor ** (strikes - 1)));
}

/** Whether an attempt that is alive is healthy. */
import { readPendingReason } from '../../contract/pending.ts';
import type { FailureClass } from '../../failures/registry.ts';
import type { SeenAttempt } from '../events.ts';
import type { RunPolicy } from '../types.ts';

/** Why an attempt that is alive has to be stopped; null where it is healthy. */
export function verdict(seen: SeenAttempt, policy: RunPolicy): FailureClass | null {
  const over = (ms: number | null, seconds: number) => ms !== null && ms > seconds * 1000;
  if (seen.state === 'pending') {
    const kind = readPendingReason(seen.reason)?.kind;
    // A queue of the cluster has its own order: waiting in it is not a failure.
    if (kind === 'queued' || !over(seen.aliveMs, policy.startDeadlineSeconds)) return null;
    if (kind === 'misconfigured') return 'invalid';
    return kind === 'image-pull' ? 'image-pull' : 'unschedulable';
  }
  // The runner ends attempts at their deadline itself; this is for one that does not.
  if (
    policy.trialDeadlineSeconds !== null &&
    over(seen.aliveMs, policy.trialDeadlineSeconds + 2 * policy.graceSeconds)
  ) {
    return 'timed-out';
  }
  return over(seen.silentMs, policy.stallSeconds) ? 'stalled' : null;
}

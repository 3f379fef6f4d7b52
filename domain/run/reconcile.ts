/** The runner's list against what the run believes: what was missed, lost, stuck or orphaned. */
import { readPendingReason } from '../contract/pending.ts';
import type { FailureClass } from '../failures/registry.ts';
import type { Draft } from './draft.ts';
import { attemptEnded } from './ended.ts';
import type { SeenAttempt } from './events.ts';
import { isAlive } from './state.ts';
import type { ActiveTrial, RunPolicy } from './types.ts';

export function reconcile(draft: Draft, seen: readonly SeenAttempt[], atMs: number): void {
  const byTrial = new Map<string, SeenAttempt>();
  for (const one of seen) {
    const trial = draft.active[one.trialId];
    if (trial !== undefined && trial.attempt === one.attempt) byTrial.set(one.trialId, one);
    else if (one.state !== 'ended') draft.stops.push({ trialId: one.trialId, attempt: one.attempt });
  }
  for (const trial of Object.values(draft.active)) {
    if (isAlive(trial)) compare(draft, trial, byTrial.get(trial.trialId), atMs);
  }
}

function compare(draft: Draft, trial: ActiveTrial, seen: SeenAttempt | undefined, atMs: number): void {
  const { trialId, attempt } = trial;
  if (seen === undefined) {
    const message = 'the attempt is gone: nothing knows how it ended';
    const endedAt = new Date(atMs).toISOString();
    attemptEnded(
      draft,
      { trialId, attempt, end: { outcome: 'disrupted', message, exitCode: null, node: null, endedAt } },
      atMs,
    );
  } else if (seen.end !== null) {
    attemptEnded(draft, { trialId, attempt, end: seen.end }, atMs);
  } else if (trial.phase === 'stopping') {
    draft.stops.push({ trialId, attempt });
  } else {
    const stopReason = verdict(seen, draft.policy);
    if (stopReason === null) return;
    draft.active[trialId] = { ...trial, phase: 'stopping', stopReason, waitedFor: seen.reason };
    draft.stops.push({ trialId, attempt });
  }
}

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

/** The runner's list against what the run believes: what was missed, lost, stuck or orphaned. */
import type { SeenAttempt } from '../events.ts';
import type { ActiveTrial } from '../types.ts';
import type { Draft } from './draft.ts';
import { attemptEnded } from './ended.ts';
import { RULES } from './rules.ts';
import { isAlive } from './state.ts';

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
    const stopReason = RULES.verdict(seen, draft.policy);
    if (stopReason === null) return;
    draft.active[trialId] = { ...trial, phase: 'stopping', stopReason, waitedFor: seen.reason };
    draft.stops.push({ trialId, attempt });
  }
}

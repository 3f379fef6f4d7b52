/** A trial is not worth going on with: its attempt is stopped, and none follows. */

import type { PrunedTrial } from '../events.ts';
import type { Draft } from './draft.ts';
import { pruneWaiting } from './ended.ts';

/** What has been recorded, is being cancelled, or is not known to be under way, stays as it is. */
export function prune(draft: Draft, { trialId, message }: PrunedTrial): void {
  const trial = draft.active[trialId];
  if (trial === undefined || trial.phase === 'recording') return;
  if (trial.stopReason === 'cancelled' || trial.stopReason === 'pruned') return;
  if (trial.phase === 'waiting') return pruneWaiting(draft, trial, message);
  draft.active[trialId] = { ...trial, phase: 'stopping', stopReason: 'pruned', pruneMessage: message };
  draft.stops.push({ trialId, attempt: trial.attempt });
}

/**
 * The core of a run: events in, state and commands out. Pure: no clock, no randomness, no I/O.
 *
 * Events change what the run knows; only `dispatch` yields commands, one batch at a time, so that whatever has come
 * together is done together and no command is older than a pause or a cancel that was accepted before it.
 */
import type { RunCommands } from '../commands.ts';
import type { ClaimedAttempt, DispatchResult, RunEvent } from '../events.ts';
import { dispatch } from './dispatch.ts';
import { type Draft, draftOf } from './draft.ts';
import { attemptEnded, cancelWaiting, resultRefused } from './ended.ts';
import { prune } from './prune.ts';
import { reconcile } from './reconcile.ts';
import { RULES } from './rules.ts';
import type { InFlight, RunState } from './state.ts';

export interface Step {
  readonly state: RunState;
  /** Null where nothing is to be done now. */
  readonly commands: RunCommands | null;
}

export function step(state: RunState, event: RunEvent): Step {
  const draft = draftOf(state);
  const commands = event.type === 'dispatch' ? dispatch(draft, event.atMs) : null;
  if (event.type !== 'dispatch') absorb(draft, event);
  return { state: draft, commands };
}

function absorb(draft: Draft, event: Exclude<RunEvent, { type: 'dispatch' }>): void {
  switch (event.type) {
    case 'attempts-ended':
      for (const ended of event.attempts) attemptEnded(draft, ended, event.atMs);
      return;
    case 'pruned':
      for (const pruned of event.trials) prune(draft, pruned);
      return;
    case 'dispatched':
      return dispatched(draft, event.result, event.atMs);
    case 'reconcile-due':
      draft.reconcileDue = true;
      draft.finishHeld = false;
      return;
    case 'paused':
      return changeStatus(draft, 'running', 'paused');
    case 'resumed':
      return changeStatus(draft, 'paused', 'running');
    case 'cancelled':
      return cancel(draft);
    case 'woken':
      return wake(draft);
    default:
      throw new TypeError(`unknown event ${(event satisfies never as { type: string }).type}`);
  }
}

function changeStatus(draft: Draft, from: RunState['status'], to: RunState['status']): void {
  if (draft.status !== from) return;
  draft.status = to;
  draft.statusUnsaved = true;
}

function wake(draft: Draft): void {
  draft.wakes += 1;
  draft.exhausted = false;
  draft.finishHeld = false;
  changeStatus(draft, 'ended', 'running');
}

function cancel(draft: Draft): void {
  if (draft.status === 'ended' || draft.status === 'cancelling') return;
  draft.status = 'cancelling';
  draft.statusUnsaved = true;
  draft.cancelPending = true;
  for (const trial of Object.values(draft.active)) {
    if (trial.phase === 'waiting') cancelWaiting(draft, trial);
    else if (trial.phase !== 'recording') stopCancelled(draft, trial.trialId);
  }
}

function stopCancelled(draft: Draft, trialId: string): void {
  const trial = draft.active[trialId];
  if (trial === undefined) return;
  draft.active[trialId] = { ...trial, phase: 'stopping', stopReason: 'cancelled' };
  draft.stops.push({ trialId, attempt: trial.attempt });
}

function dispatched(draft: Draft, result: DispatchResult, atMs: number): void {
  const { inFlight } = draft;
  if (inFlight === null) return;
  const refused = new Set(result.refused.map((one) => one.trialId));
  for (const trialId of inFlight.recording) {
    if (refused.has(trialId)) continue;
    delete draft.active[trialId];
    draft.recorded += 1;
  }
  for (const one of result.refused) resultRefused(draft, one, atMs);
  for (const trial of Object.values(draft.active)) {
    if (trial.phase === 'launching') draft.active[trial.trialId] = { ...trial, phase: 'running' };
  }
  for (const claimed of result.claimed) adopt(draft, claimed);
  const early = draft.early.splice(0);
  draft.inFlight = null;
  for (const ended of [...early, ...result.ended]) attemptEnded(draft, ended, atMs);
  if (inFlight.claim !== null && inFlight.claim.wakes === draft.wakes) {
    draft.exhausted = RULES.isExhausted(result.claimed.length, inFlight.claim.limit);
  }
  if (result.seen !== null) reconcile(draft, result.seen, atMs);
  if (inFlight.finish !== null) finished(draft, inFlight.finish, result);
}

function adopt(draft: Draft, claimed: ClaimedAttempt): void {
  const { trialId, attempt, likeKey, plan } = claimed;
  if (draft.active[trialId] !== undefined) return;
  draft.active[trialId] = {
    trialId,
    attempt,
    firstAttempt: attempt,
    strikes: 0,
    stalls: 0,
    plan,
    replanned: false,
    likeKey,
    phase: 'running',
    stopReason: null,
    dueAtMs: 0,
  };
  if (draft.status === 'cancelling') stopCancelled(draft, trialId);
}

function finished(draft: Draft, asked: NonNullable<InFlight['finish']>, result: DispatchResult): void {
  if (result.finished === null) {
    draft.exhausted = false;
    draft.finishHeld = asked.wakes === draft.wakes;
    return;
  }
  if (asked.wakes === draft.wakes) {
    draft.status = 'ended';
    return;
  }
  // The store has ended the experiment, and trials came in between: it goes on, in the same direction.
  if (draft.status === 'cancelling') draft.cancelPending = true;
  draft.statusUnsaved = true;
}

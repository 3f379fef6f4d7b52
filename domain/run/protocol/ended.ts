/** An attempt has ended: its trial is recorded, or goes on with another attempt. */
import { readPendingReason } from '../../contract/pending.ts';
import type { AttemptEnd } from '../../contract/runner.ts';
import type { FailureClass } from '../../failures/registry.ts';
import type { TerminalTrialState } from '../../vocabulary/states.ts';
import type { EndedAttempt } from '../events.ts';
import { hintOf } from '../hints.ts';
import type { ActiveTrial, RunPolicy } from '../types.ts';
import type { Draft } from './draft.ts';
import { RULES } from './rules.ts';
import { isAlive } from './state.ts';

export function attemptEnded(draft: Draft, ended: EndedAttempt, atMs: number): void {
  const trial = draft.active[ended.trialId];
  if (trial === undefined) {
    keepEarly(draft, ended);
  } else if (trial.attempt === ended.attempt && isAlive(trial)) {
    settle(draft, trial, ended.end, atMs);
  }
}

function keepEarly(draft: Draft, ended: EndedAttempt): void {
  if (!RULES.keepsEarly(draft)) return;
  const known = draft.early.some((one) => one.trialId === ended.trialId && one.attempt === ended.attempt);
  if (!known) draft.early.push(ended);
}

/** A success whose result cannot be read counts as crashed. */
export function resultRefused(
  draft: Draft,
  refused: { trialId: string; attempt: number; message: string },
  atMs: number,
): void {
  const trial = draft.active[refused.trialId];
  if (trial === undefined || trial.attempt !== refused.attempt || trial.phase !== 'recording') return;
  settle(
    draft,
    trial,
    { outcome: 'crashed', message: refused.message, exitCode: null, node: null, endedAt: null },
    atMs,
  );
}

type KnownEnd = Omit<AttemptEnd, 'endedAt'> & { readonly endedAt: string | null };

function settle(draft: Draft, trial: ActiveTrial, known: KnownEnd, atMs: number): void {
  const end: AttemptEnd = { ...known, endedAt: known.endedAt ?? new Date(atMs).toISOString() };
  if (end.outcome === 'succeeded' || end.outcome === 'diverged') {
    if (trial.replanned) draft.hints = { ...draft.hints, [trial.likeKey]: hintOf(trial.plan) };
    return record(draft, trial, end, end.outcome, end.outcome === 'diverged' ? end.message : null);
  }
  if (draft.status === 'cancelling' || trial.stopReason === 'cancelled') {
    return record(draft, trial, end, 'cancelled', null);
  }
  if (trial.stopReason === 'pruned') return record(draft, trial, end, 'pruned', trial.pruneMessage ?? null);
  const failureClass: FailureClass = trial.stopReason ?? end.outcome;
  const failed: AttemptEnd = { ...end, outcome: failureClass, message: messageOf(trial, end, draft.policy) };
  const decision = RULES.decide(failureClass, { trial, end: failed, policy: draft.policy });
  if (decision.action === 'fail') return record(draft, trial, failed, 'failed', decision.message);
  draft.records.push({
    trialId: trial.trialId,
    attempt: trial.attempt,
    end: failed,
    state: null,
    message: failed.message,
  });
  draft.active[trial.trialId] = {
    ...trial,
    attempt: trial.attempt + 1,
    strikes: trial.strikes + (decision.strike === true ? 1 : 0),
    stalls: trial.stalls + (decision.stall === true ? 1 : 0),
    plan: decision.plan ?? trial.plan,
    replanned: trial.replanned || decision.plan !== undefined,
    phase: 'waiting',
    stopReason: null,
    dueAtMs: RULES.dueAtMs(decision.delayMs, atMs),
  };
}

function record(
  draft: Draft,
  trial: ActiveTrial,
  end: AttemptEnd | null,
  state: TerminalTrialState,
  message: string | null,
): void {
  draft.records.push({ trialId: trial.trialId, attempt: trial.attempt, end, state, message });
  draft.active[trial.trialId] = { ...trial, phase: 'recording' };
}

/** A trial that waits for its next attempt is cancelled without one. */
export function cancelWaiting(draft: Draft, trial: ActiveTrial): void {
  record(draft, trial, null, 'cancelled', null);
}

/** A trial that waits for its next attempt is not worth one. */
export function pruneWaiting(draft: Draft, trial: ActiveTrial, message: string): void {
  record(draft, trial, null, 'pruned', message);
}

/** An attempt that we stopped says how it died, not why. */
function messageOf(trial: ActiveTrial, end: KnownEnd, policy: RunPolicy): string {
  switch (trial.stopReason) {
    case 'stalled':
      return 'stopped: no sign of life from the trainer';
    case 'timed-out':
      return 'stopped: the deadline of the trial has passed';
    case 'unschedulable':
    case 'image-pull':
    case 'invalid':
      return `could not start within ${policy.startDeadlineSeconds} s: ${readPendingReason(trial.waitedFor)?.text ?? trial.stopReason}`;
    default:
      return end.message;
  }
}

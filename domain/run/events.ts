/** What the reducer hears. Delivery is at least once and in any order; it ignores what it already knows. */
import type { AttemptKey } from '../contract/attempt.ts';
import type { PendingReason } from '../contract/pending.ts';
import type { AttemptEnd } from '../contract/runner.ts';
import type { Plan } from '../contract/trial.ts';
import type { ExperimentState } from '../vocabulary/states.ts';

export interface EndedAttempt extends AttemptKey {
  readonly end: AttemptEnd;
}

/** A trial that is not worth going on with, and why. */
export interface PrunedTrial {
  readonly trialId: string;
  readonly message: string;
}

/** A pending trial that was claimed and whose attempt was launched in the same go. */
export interface ClaimedAttempt extends AttemptKey {
  readonly likeKey: string;
  readonly plan: Plan;
}

/** An attempt as the runner knows it, with what the store knows of its signs of life. */
export interface SeenAttempt extends AttemptKey {
  readonly state: 'pending' | 'running' | 'ended';
  /** Why it is still pending, where known; a string in histories of earlier releases. */
  readonly reason: PendingReason | string | null;
  readonly end: AttemptEnd | null;
  /** Since it was launched, or let out of a queue of the cluster; null while it waits there. */
  readonly aliveMs: number | null;
  /** Since its last event; null where attempts do not post any. */
  readonly silentMs: number | null;
}

/** What became of the commands of one dispatch. */
export interface DispatchResult {
  /** Successes whose result is unusable: they count as crashed. The name is in histories, and so it stays. */
  readonly refused: readonly (AttemptKey & { readonly message: string })[];
  /** Launched attempts that had ended when the runner answered. */
  readonly ended: readonly EndedAttempt[];
  readonly claimed: readonly ClaimedAttempt[];
  /** Everything the runner knows of the experiment, listed after the launches; null where that was not asked for. */
  readonly seen: readonly SeenAttempt[] | null;
  /** The terminal state, where finishing was asked for and the store agreed that nothing is open. */
  readonly finished: ExperimentState | null;
}

/** `atMs` is the workflow's clock, milliseconds since the epoch. */
export type RunEvent = { readonly atMs: number } & (
  | { readonly type: 'attempts-ended'; readonly attempts: readonly EndedAttempt[] }
  | { readonly type: 'pruned'; readonly trials: readonly PrunedTrial[] }
  | { readonly type: 'dispatch' }
  | { readonly type: 'dispatched'; readonly result: DispatchResult }
  | { readonly type: 'reconcile-due' }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  | { readonly type: 'cancelled' }
  | { readonly type: 'woken' }
);

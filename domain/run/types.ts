/** What the run reducer works with: its policy and its trials. All of it is JSON: it lives in workflow histories. */
import type { PendingReason } from '../contract/pending.ts';
import type { AttemptEnd } from '../contract/runner.ts';
import type { Plan } from '../contract/trial.ts';
import type { FailureClass } from '../failures/registry.ts';

/** Limits and timings of a run; every duration is here so that tests can pass milliseconds. */
export interface RunPolicy {
  readonly maxParallel: number;
  /** Attempts a trial may use up by failures that are its own: those that its policies call strikes. */
  readonly attempts: number;
  /** Upper bound on attempts for any reason, a guard against endless replanning or disruption. */
  readonly maxAttempts: number;
  readonly backoff: { readonly initialMs: number; readonly factor: number; readonly maxMs: number };
  readonly trialDeadlineSeconds: number | null;
  /** Longest wait of an attempt to start (a node, an image, a quota, a permission), but not in a queue of the cluster. */
  readonly startDeadlineSeconds: number;
  /** No event of any kind for this long: stalled. */
  readonly stallSeconds: number;
  readonly graceSeconds: number;
  readonly reconcileMs: number;
  /** Bound on the host-memory request that host-out-of-memory may raise to. */
  readonly maxMemoryBytes: number | null;
  /** GPU classes from small to large, for trials that do not fit the one they were planned for. */
  readonly gpuClasses?: readonly string[];
  /** Absent in runs of earlier releases: after a GPU fault the next attempt comes at once, as often as `maxAttempts`. */
  readonly pauseAfterGpuFault?: true;
}

/**
 * Where an active trial stands with its run. `waiting`: for its next attempt, until its back-off is over and there is room
 * under `maxParallel`; `launching`: its launch is under way; `running`: it has been launched, whether its Job has a pod or
 * not; `stopping`: a stop was asked for; `recording`: its end is being written to the store.
 */
export type TrialPhase = 'waiting' | 'launching' | 'running' | 'stopping' | 'recording';

/** A trial that has been taken from the pending pool and is not recorded as terminal yet. */
export interface ActiveTrial {
  readonly trialId: string;
  /** The attempt that is alive, or the next one in phase `waiting`. */
  readonly attempt: number;
  /** The attempt this run of the trial began with: a user's retry resets the limits of its trial. */
  readonly firstAttempt: number;
  /** Failures so far that used up the user's retries. */
  readonly strikes: number;
  readonly stalls: number;
  readonly plan: Plan;
  /** The plan was changed after an out-of-memory failure: worth remembering if it works. */
  readonly replanned: boolean;
  readonly likeKey: string;
  readonly phase: TrialPhase;
  /** Why it is being stopped, in phase `stopping`. */
  readonly stopReason: FailureClass | 'cancelled' | 'pruned' | null;
  /** Why it is not worth going on with, where it is stopped for that. */
  readonly pruneMessage?: string;
  /** What it was last seen to wait for, where it is stopped for not having started; a string from earlier releases. */
  readonly waitedFor?: PendingReason | string | null;
  /** When a waiting trial may start again, milliseconds since the epoch of the workflow's clock; 0: at once. */
  readonly dueAtMs: number;
}

export type { AttemptEnd, FailureClass, Plan };

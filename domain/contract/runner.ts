/** The port through which attempts are executed; LocalRunner and KubernetesRunner pass one conformance suite. */
import type { TrialRequest } from './trial.ts';

export const FAILURE_CLASSES = [
  'invalid',
  'gpu-out-of-memory',
  'host-out-of-memory',
  'gpu-fault',
  'disrupted',
  'stalled',
  'timed-out',
  'unschedulable',
  'image-pull',
  'crashed',
] as const;
/** Why an attempt failed. `diverged` is not here: it is a result. */
export type FailureClass = (typeof FAILURE_CLASSES)[number];

export interface AttemptRef {
  readonly experimentId: string;
  readonly trialId: string;
  readonly attempt: number;
  readonly attemptId: string;
}

export interface AttemptLaunch extends AttemptRef {
  readonly request: TrialRequest;
  /** Bearer token for event posts, scoped to this attempt. */
  readonly token: string;
  readonly deadlineSeconds: number | null;
  readonly graceSeconds: number;
}

/** How an attempt ended, as one diagnosis. */
export interface AttemptEnd {
  readonly outcome: 'succeeded' | 'diverged' | FailureClass;
  /** One sentence for the user. */
  readonly message: string;
  readonly exitCode: number | null;
  /** Node or host, for exclusion after a GPU fault. */
  readonly node: string | null;
  readonly endedAt: string;
}

export interface AttemptObservation extends AttemptRef {
  readonly state: 'pending' | 'running' | 'ended';
  /** Why it is still pending, where known. */
  readonly reason: string | null;
  readonly end: AttemptEnd | null;
}

export interface JobRunner {
  readonly name: string;
  /** Idempotent by attemptId: an attempt that is there already is adopted. One bad item never fails the batch. */
  launch(attempts: readonly AttemptLaunch[]): Promise<readonly AttemptObservation[]>;
  /** Asks attempts to stop (SIGTERM, then SIGKILL after the grace period). Idempotent; unknown attempts are ignored. */
  stop(attempts: readonly AttemptRef[], graceSeconds: number): Promise<void>;
  /** Everything of an experiment that this runner still knows, ended or not. */
  list(experimentId: string): Promise<readonly AttemptObservation[]>;
  /** Calls `handler` with ended attempts, at least once each, batched; a failed handler is called again. */
  watch(handler: (ended: readonly AttemptObservation[]) => Promise<void>): Promise<{ close(): Promise<void> }>;
  /** Frees what an ended, recorded attempt still holds. Idempotent. */
  forget(attempts: readonly AttemptRef[]): Promise<void>;
}

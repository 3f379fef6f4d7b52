/** The port through which attempts are executed; LocalRunner and KubernetesRunner pass one conformance suite. */
import type { FailureClass } from '../failures/registry.ts';
import type { AttemptRef } from './attempt.ts';
import type { GenerateRequest } from './generation.ts';
import type { PendingReason } from './pending.ts';
import type { FaultSubject, TrialRequest } from './trial.ts';

/** What an attempt may be asked for: a trial, or data. */
export type AttemptRequest = TrialRequest | GenerateRequest;

export interface AttemptLaunch<Request extends AttemptRequest = TrialRequest> extends AttemptRef {
  readonly request: Request;
  /** Bearer token for event posts, scoped to this attempt. */
  readonly token: string;
  readonly deadlineSeconds: number | null;
  readonly graceSeconds: number;
}

/** How an attempt ended, as one diagnosis. */
export interface AttemptEnd {
  readonly outcome: 'succeeded' | 'diverged' | FailureClass;
  /** One to three short sentences for somebody who does not know Kubernetes. */
  readonly message: string;
  readonly exitCode: number | null;
  /** Node or host, for exclusion after a GPU fault. */
  readonly node: string | null;
  /** Host memory that it was limited to, where it needed more; absent where it was not limited, or nobody knows. */
  readonly memoryLimitBytes?: number;
  /** What is at fault of an `invalid` end, where every trial that shares it would end alike. */
  readonly subject?: FaultSubject;
  readonly endedAt: string;
}

export interface AttemptObservation extends AttemptRef {
  readonly state: 'pending' | 'running' | 'ended';
  /** Why it is still pending, where known. */
  readonly reason: PendingReason | null;
  /**
   * Where attempts wait in a queue of the cluster (Kueue): when this one was admitted, that is let out of it, null while it waits. Deadlines
   * count from then on. Absent where there is no queue: they count from the launch.
   */
  readonly admittedAt?: string | null;
  readonly end: AttemptEnd | null;
}

export interface JobRunner {
  readonly name: string;
  /** Idempotent by attemptId: an attempt that is there already is adopted. One bad item never fails the batch. */
  launch(attempts: readonly AttemptLaunch<AttemptRequest>[]): Promise<readonly AttemptObservation[]>;
  /** Asks attempts to stop (SIGTERM, then SIGKILL after the grace period). Idempotent; unknown attempts are ignored. */
  stop(attempts: readonly AttemptRef[], graceSeconds: number): Promise<void>;
  /** Everything of an experiment that this runner still knows, ended or not. */
  list(experimentId: string): Promise<readonly AttemptObservation[]>;
  /** Calls `handler` with ended attempts, at least once each, batched; a failed handler is called again. */
  watch(handler: (ended: readonly AttemptObservation[]) => Promise<void>): Promise<{ close(): Promise<void> }>;
  /** An ended attempt is recorded: it is not listed any more, and what it holds is freed, though not always at once. */
  forget(attempts: readonly AttemptRef[]): Promise<void>;
  /** An experiment is over: forgets all of its ended attempts, and frees what they hold soon. Idempotent. */
  clear(experimentId: string): Promise<void>;
}

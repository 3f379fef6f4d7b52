/**
 * The store of experiments: what is queried. One implementation over Kysely serves PGlite and Postgres
 * and passes one conformance suite on both. Every write is idempotent: activities are retried.
 */

import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';
import type { BlockedActivities } from '@lamina/domain/contract/blocked.ts';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { TrialResult } from '@lamina/domain/contract/result.ts';
import type { AttemptEnd, AttemptObservation } from '@lamina/domain/contract/runner.ts';
import type { FaultSubject, TrialEvent } from '@lamina/domain/contract/trial.ts';
import type { Cell, DroppedCell, PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { Plan, RunPolicy } from '@lamina/domain/run/types.ts';
import type { Study } from '@lamina/domain/search/types.ts';
import type { ExperimentState, TerminalTrialState, TrialState } from '@lamina/domain/vocabulary/states.ts';
import type { BlockedStore } from './blocked-store.ts';
import type { ClusterStore } from './cluster-store.ts';
import type { FitStore } from './fit-store.ts';
import type { ForecastStore } from './forecast-store.ts';
import type { NewPreparation, PreparationStore } from './preparation-store.ts';
import type { ClaimedTrial, Page, PlannedExperiment } from './records.ts';
import type { SearchStore } from './search-store.ts';

export interface NewExperiment extends PlannedExperiment {
  readonly id: string;
  readonly name: string;
  /** Where the dataset is to be generated first. One that is still to do comes without trials and studies. */
  readonly preparation?: NewPreparation | null;
  readonly idempotencyKey: string | null;
  /** Hash of the request body, to refuse a key that is used again for something else. */
  readonly bodyHash: string;
}

export interface ExperimentRecord {
  readonly id: string;
  readonly name: string;
  readonly state: ExperimentState;
  readonly document: unknown;
  readonly policy: RunPolicy;
  readonly dropped: readonly DroppedCell[];
  readonly baselineCellId: string | null;
  readonly counts: Readonly<Partial<Record<TrialState, number>>>;
  readonly cells: number;
  /** Grows with every change of the experiment's state or of its trials; not with metrics. */
  readonly version: number;
  /** Activities of its run or search that fail again and again. */
  readonly blocked: BlockedActivities;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export interface TrialRecord {
  readonly experimentId: string;
  readonly trialId: string;
  readonly ordinal: number;
  readonly trial: PlannedTrial;
  readonly state: TrialState;
  readonly attempts: number;
  readonly message: string | null;
  /** The experiment whose measurement was reused, for state `reused`. */
  readonly reusedFrom: string | null;
  /** In lists and in the comparison without what grows: losses, step times, and the list of artifacts are empty there. */
  readonly result: TrialResult | null;
  /** How far its newest attempt has come; null before the first. */
  readonly progress: {
    readonly attemptId: string;
    readonly phase: string | null;
    readonly step: number | null;
    readonly steps: number | null;
    readonly waiting: PendingReason | null;
  } | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export interface AttemptRecord extends AttemptRef {
  readonly plan: Plan;
  readonly end: AttemptEnd | null;
  /** When it was about to be launched; deadlines count from here, or from when a queue admitted it. */
  readonly startedAt: string;
  readonly lastEventAt: string | null;
  readonly lastSeq: number;
  readonly phase: string | null;
  readonly step: number | null;
  readonly steps: number | null;
  /** Why it does not run yet, as it was last seen. */
  readonly waiting: PendingReason | null;
  /** When it was first seen to run: its trainer's real start, give or take a look. */
  readonly runningAt: string | null;
}

/** What a trial ends as, with its result. */
export interface TrialEnd {
  readonly trialId: string;
  readonly state: TerminalTrialState;
  readonly message: string | null;
  readonly result: TrialResult | null;
}

/** One line of an experiment's history, the source of its event stream. `id` grows by one writer's order. */
export interface ExperimentEvent {
  readonly id: number;
  readonly at: string;
  readonly type: 'experiment' | 'trial' | 'attempt' | 'metrics';
  readonly data: unknown;
}

export interface ExperimentStore
  extends ForecastStore,
    ClusterStore,
    FitStore,
    SearchStore,
    PreparationStore,
    BlockedStore {
  /** One transaction. Trials whose id has a succeeded or diverged result anywhere become `reused` at once, unless `reuse` is false. */
  createExperiment(
    /** @throws IdempotencyConflict when the key was used for another body */
    input: NewExperiment,
    options: { reuse: boolean },
  ): Promise<{ experiment: ExperimentRecord; created: boolean }>;
  addTrials(
    experimentId: string,
    trials: readonly PlannedTrial[],
    plans: Readonly<Record<string, Plan>>,
    /** `document`: takes the place of the stored one. @throws DocumentChanged when that is no longer `from` */
    options: { reuse: boolean; document?: { from: unknown; to: unknown }; studies?: readonly Study[] },
  ): Promise<number>;
  /** Those of these trials that have a result somewhere. */
  measuredTrials(trialIds: readonly string[]): Promise<ReadonlySet<string>>;
  getExperiment(id: string): Promise<ExperimentRecord | null>;
  /** The experiment's cells in the order of their trials. */
  listCells(experimentId: string): Promise<readonly Cell[]>;
  listExperiments(query: {
    limit: number;
    cursor: string | null;
    state?: ExperimentState;
    name?: string;
  }): Promise<Page<ExperimentRecord>>;
  /**
   * False when refused: a terminal state while trials are open (a retry or an extension has come in between), or while
   * a search is; to cancel ends searches.
   */
  setExperimentState(id: string, state: ExperimentState): Promise<boolean>;
  /** Failed or cancelled trials (all, or those named) back to `pending`; returns how many. */
  resetTrials(
    experimentId: string,
    filter: { states: readonly TerminalTrialState[]; trialIds?: readonly string[] },
  ): Promise<number>;

  /**
   * A new run of the experiment begins and knows nothing of earlier ones: claims are released, and trials that an
   * earlier run left running or retrying are pending again. Only for a run that owns no trial: before its first claim,
   * or when it could not end.
   */
  beginRun(experimentId: string): Promise<void>;
  /** Takes up to `limit` pending trials in order for claim number `batch`; the same number again answers the same. */
  claimTrials(experimentId: string, batch: number, limit: number): Promise<readonly ClaimedTrial[]>;
  /** Trials of an experiment by id, with their planned settings. */
  getTrials(experimentId: string, trialIds: readonly string[]): Promise<readonly TrialRecord[]>;
  listTrials(
    experimentId: string,
    query: { limit: number; cursor: string | null; state?: TrialState; cellId?: string },
  ): Promise<Page<TrialRecord>>;
  /** Everything the comparison needs, in one query. */
  trialsForComparison(experimentId: string): Promise<readonly TrialRecord[]>;

  /** Idempotent by attempt id; the trial is `running` from here. Call it before the launch: events need the attempt. */
  startAttempts(attempts: readonly (AttemptRef & Pick<AttemptRecord, 'plan'>)[]): Promise<void>;
  /** Why attempts wait, and that they run: kept where it is news, and told to the experiment's listeners. */
  noteAttempts(
    experimentId: string,
    observations: readonly Pick<AttemptObservation, 'attemptId' | 'state' | 'reason'>[],
  ): Promise<void>;
  /**
   * The first end of an attempt wins; answers the ends that were not known before. A trial whose newest attempt failed is
   * `retrying` until its outcome or next attempt; not where it is `last`: no other follows, or nobody knows yet.
   */
  endAttempts(ends: readonly { attemptId: string; end: AttemptEnd; last?: boolean }[]): Promise<readonly AttemptEnd[]>;
  /** First terminal outcome wins: a second one for the same trial changes nothing. */
  recordOutcomes(experimentId: string, outcomes: readonly TrialEnd[]): Promise<void>;
  /**
   * Pending trials that have the same model, or dataset, as this one become `failed` with the same message, which their
   * events do not repeat. Returns the cells that share it.
   */
  failAlike(
    experimentId: string,
    fault: { readonly trialId: string; readonly subject: FaultSubject; readonly message: string },
  ): Promise<readonly string[]>;
  /** All trials still pending or retrying become `cancelled`. */
  cancelPending(experimentId: string): Promise<number>;
  listAttempts(experimentId: string, trialId?: string): Promise<readonly AttemptRecord[]>;
  getAttempt(attemptId: string): Promise<AttemptRecord | null>;
  /** Those of them that there are. */
  getAttempts(attemptIds: readonly string[]): Promise<readonly AttemptRecord[]>;

  /**
   * Stores trainer events once each (by sequence number); returns the highest contiguous number stored.
   * @throws UnknownAttempt, AttemptEnded
   */
  appendTrialEvents(attemptId: string, events: readonly TrialEvent[]): Promise<{ accepted: number; lastSeq: number }>;
  listTrialEvents(attemptId: string, afterSeq: number, limit: number): Promise<readonly TrialEvent[]>;
  experimentEvents(experimentId: string, afterId: number, limit: number): Promise<readonly ExperimentEvent[]>;
  /** Calls back (coalesced) when an experiment has new events, null: any may have; wakes streams, so they need not poll. */
  onExperimentEvents(listener: (experimentId: string | null) => void): () => void;
  close(): Promise<void>;
}

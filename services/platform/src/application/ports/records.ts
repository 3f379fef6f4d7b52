/** What more than one part of the store takes or gives. */
import type { DroppedCell, PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { Plan, RunPolicy } from '@lamina/domain/run/types.ts';
import type { Study } from '@lamina/domain/search/types.ts';

/** What follows from a document once its dataset is there. */
export interface PlannedExperiment {
  /** The document as resolved (defaults filled in, fingerprints added); JSON. */
  readonly document: unknown;
  readonly policy: RunPolicy;
  readonly trials: readonly PlannedTrial[];
  readonly dropped: readonly DroppedCell[];
  readonly baselineCellId: string | null;
  /** The plan a cell's first attempts get, by cell id. */
  readonly plans: Readonly<Record<string, Plan>>;
  readonly studies?: readonly Study[];
}

/** A pending trial taken by a run. */
export interface ClaimedTrial {
  readonly trialId: string;
  /** The number its next attempt gets: one more than the attempts recorded so far. */
  readonly attempt: number;
  readonly likeKey: string;
  readonly plan: Plan;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

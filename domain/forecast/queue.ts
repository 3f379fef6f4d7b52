/** What runs and what waits, as the simulation takes it. */
import type { DurationEstimate } from './types.ts';

export interface QueueCell {
  readonly cellId: string;
  /** Null: no like trial has run yet. */
  readonly estimate: DurationEstimate | null;
  /** Pool of GPUs that its trials take from; null: nothing but its experiment's `maxParallel` holds them back. */
  readonly pool: string | null;
  readonly gpus: number;
}

export interface QueueAttempt {
  /** Index into the experiment's cells. */
  readonly cell: number;
  readonly elapsedSeconds: number;
  /** It is known to run; before that it may still wait for a GPU. */
  readonly begun: boolean;
  readonly step: number | null;
  readonly steps: number | null;
}

export interface QueueExperiment {
  readonly id: string;
  readonly maxParallel: number;
  readonly cells: readonly QueueCell[];
  readonly running: readonly QueueAttempt[];
  /** Cells of the trials that wait, in the order in which they start. */
  readonly pending: readonly number[];
  /** A paused experiment starts nothing. */
  readonly paused: boolean;
}

export interface Queue {
  /** In the order in which they were submitted. */
  readonly experiments: readonly QueueExperiment[];
  /** GPUs that our trials can have, those they hold now included, by pool. */
  readonly pools: ReadonlyMap<string, number>;
}

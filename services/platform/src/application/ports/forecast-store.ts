/** What forecasts need of the store: history of like trials, the queue, and what became of past forecasts. */
import type { ModelRef, TrialSettings } from '@lamina/domain/contract/settings.ts';
import type { Plan } from '@lamina/domain/contract/trial.ts';
import type { CheckedForecast } from '@lamina/domain/forecast/accuracy.ts';
import type { Interval, PastTrial } from '@lamina/domain/forecast/types.ts';

export interface OpenCell {
  readonly cellId: string;
  readonly likeKey: string;
  readonly settings: Omit<TrialSettings, 'seed'>;
  readonly plan: Plan;
}

export interface OpenAttempt {
  readonly cellId: string;
  /** Since it is known to run; before that, since it was launched. */
  readonly elapsedSeconds: number;
  /** It is known to run: before that it may wait for a GPU. */
  readonly begun: boolean;
  readonly step: number | null;
  readonly steps: number | null;
}

/** An experiment with trials that run or wait. */
export interface OpenExperiment {
  readonly id: string;
  readonly paused: boolean;
  readonly maxParallel: number;
  readonly pricePerHour: number | null;
  /** Cells with open trials. */
  readonly cells: readonly OpenCell[];
  readonly running: readonly OpenAttempt[];
  /** Cells of the trials that wait, in the order in which they start. */
  readonly pending: readonly string[];
}

/** What was predicted at submission. Seconds. */
export interface NewForecast {
  /** Null: of the experiment, from its submission to its end. Else of the duration of one trial of the cell. */
  readonly cellId: string | null;
  readonly interval: Interval;
  /** The factor that `interval` was widened by for past errors. */
  readonly widening: number;
  /** Share of a trial's duration outside its trainer. */
  readonly overheadSeconds: number;
  /** From the submission of the experiment to its first start; null where it is not known. */
  readonly startSeconds: number | null;
}

/** The newest first; only of experiments that succeeded without having been paused, cancelled, retried or extended. */
export interface CheckedForecasts {
  readonly ends: readonly CheckedForecast[];
  readonly durations: readonly CheckedForecast[];
  readonly starts: readonly { readonly predicted: number; readonly actual: number }[];
}

export interface ForecastStore {
  /**
   * Trials that ran from their first step to their end in one attempt: of these cells in any experiment, and of these
   * models; the newest first, and no more than tell something.
   */
  pastTrials(query: {
    readonly models: readonly ModelRef[];
    readonly cellIds: readonly string[];
  }): Promise<readonly PastTrial[]>;
  /** In the order of their submission, the first 500; `id`: that one alone. */
  openExperiments(id?: string): Promise<readonly OpenExperiment[]>;
  /** GPUs that trials held at a moment, by the class of their plans. */
  gpusHeldAt(at: string): Promise<readonly { readonly gpuClass: string | null; readonly gpus: number }[]>;
  /** Idempotent: what was predicted first stays. */
  saveForecasts(experimentId: string, forecasts: readonly NewForecast[]): Promise<void>;
  /** @param limit of each kind */
  checkedForecasts(limit: number): Promise<CheckedForecasts>;
}

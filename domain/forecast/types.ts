/**
 * Words of the estimates of when trials start and how long they take. Seconds throughout.
 * Method and limits: docs/guide/forecast.md.
 */
import type { Basis } from '../vocabulary/durations.ts';

/** How much an interval is meant to cover: in four of five cases the value lies inside. */
export const COVERAGE = 0.8;

/** A value that is not known exactly: the middle of what is expected, and an interval of `COVERAGE`. */
export interface Interval {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** What of a trial decides how long it takes. */
export interface Work {
  readonly cellId: string;
  readonly likeKey: string;
  /** The same for the same weights; see `modelKey`. */
  readonly modelKey: string;
  readonly method: string;
  readonly precision: string;
  readonly gpuClass: string | null;
  readonly gpus: number;
  readonly steps: number;
  /** Tokens of an optimizer step, padding included. */
  readonly tokensPerStep: number;
  /** Decoder layers kept; null where the model's depth is not known. */
  readonly layers: number | null;
  /** Most held-out tokens that are scored. */
  readonly evaluationTokens: number;
  /** The model is also scored before it is trained. */
  readonly beforeTraining: boolean;
}

/** A trial that ran from its first step to its end in one attempt, and where its time went. */
export interface PastTrial extends Work {
  readonly layersOriginal: number;
  /** Product that it ran on. */
  readonly device: string;
  readonly deviceKind: 'cpu' | 'cuda';
  /** Trials that its experiment ran at once. */
  readonly parallel: number;
  /** From its launch until it was known to run: start of a pod, and on a busy cluster the wait for a GPU. */
  readonly launchSeconds: number;
  /** From then to its recorded end. */
  readonly wallSeconds: number;
  readonly totalSeconds: number;
  readonly trainSeconds: number;
  readonly evaluateRawSeconds: number;
  readonly evaluateSeconds: number;
  /** The score before training was taken over from an identical earlier one. */
  readonly rawCached: boolean;
  /** Held-out tokens that were scored. */
  readonly evaluatedTokens: number;
}

/** How long one trial of a cell holds its place: log-normal, its parameters known from few samples. */
export interface DurationEstimate {
  readonly basis: Basis;
  /** Past trials that it was made from. */
  readonly n: number;
  /** Logarithm of the median. */
  readonly centre: number;
  /** Standard deviation of the logarithm from trial to trial. */
  readonly spread: number;
  /** Degrees of freedom of `spread`. */
  readonly freedom: number;
  /** Variance of `centre` in units of spread². */
  readonly centreVariance: number;
  /** Standard deviation of what scaling from other work may have got wrong, common to the cell's trials. */
  readonly scaleSpread: number;
  /** What the cell's first trial takes longer: scores before training that later ones take over. */
  readonly firstExtraSeconds: number;
  /** Share of the median that is training, and that comes after it. */
  readonly trainShare: number;
  readonly afterShare: number;
  /** Share of the median outside the trainer: start of the process, recording. */
  readonly overheadSeconds: number;
}

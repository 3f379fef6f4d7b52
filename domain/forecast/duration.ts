/** How long a trial takes, from past trials that are like it. */
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { equallyCrowded, likeTrials } from './likeness.ts';
import { normal, type Random } from './random.ts';
import { scaled } from './scaling.ts';
import { median, widened } from './statistics.ts';
import { COVERAGE, type DurationEstimate, type Interval, type PastTrial, type Work } from './types.ts';

/**
 * What is assumed of the spread before anything is known, worth two samples: the logarithms of like trials differ by
 * 0.2. Few samples then still have an interval, and many forget it (scaled inverse chi-square prior; Gelman et al.,
 * "Bayesian Data Analysis", 3rd ed., section 3.3).
 */
const PRIOR = { spread: 0.2, freedom: 2 };
/** So many standard deviations from its middle an interval of `COVERAGE` ends. */
const END_OF_NORMAL = tQuantile((1 + COVERAGE) / 2, 1e9);
const ends = new Map<number, number>();

function endOfT(freedom: number): number {
  const known = ends.get(freedom);
  if (known !== undefined) return known;
  const end = tQuantile((1 + COVERAGE) / 2, freedom);
  ends.set(freedom, end);
  return end;
}

export interface TrialConditions {
  /** Product that the trials to come run on; null: not known. */
  readonly device: string | null;
  /** Trials that run at once. */
  readonly parallel: number;
}

/** Null: no like trial has run yet. */
export function estimateDuration(
  target: Work,
  history: readonly PastTrial[],
  { device, parallel }: TrialConditions,
): DurationEstimate | null {
  const like = likeTrials(target, history, device);
  if (like === null) return null;
  const trials = equallyCrowded(like.trials, parallel);
  const { seconds, ...work } = scaled(target, like.basis, trials, history);
  const logs = seconds.map((value) => Math.log(Math.max(value, 1e-3)));
  const n = logs.length;
  const centre = median(logs);
  const squares = logs.reduce((sum, log) => sum + (log - centre) ** 2, 0);
  const freedom = PRIOR.freedom + n - 1;
  const middle = Math.exp(centre);
  return {
    basis: like.basis,
    n,
    centre,
    spread: Math.sqrt((PRIOR.freedom * PRIOR.spread ** 2 + squares) / freedom),
    freedom,
    centreVariance: n <= 2 ? 1 / n : Math.PI / 2 / n,
    scaleSpread: work.scaleSpread,
    firstExtraSeconds: work.firstExtraSeconds,
    trainShare: Math.min(1, work.trainSeconds / middle),
    afterShare: Math.min(1, work.afterSeconds / middle),
    overheadSeconds: work.overheadSeconds,
  };
}

/** The interval in which the next such trial's duration lies: Student's t on the log scale. */
export function durationInterval(estimate: DurationEstimate, widening = 1): Interval {
  const own = endOfT(estimate.freedom) * estimate.spread * Math.sqrt(1 + estimate.centreVariance);
  const half = Math.hypot(own, END_OF_NORMAL * estimate.scaleSpread);
  const middle = Math.exp(estimate.centre);
  return widened({ low: middle * Math.exp(-half), median: middle, high: middle * Math.exp(half) }, widening);
}

/** One way a cell's durations may turn out to be: all its trials share these. */
export interface CellDraw {
  readonly centre: number;
  readonly spread: number;
}

/**
 * Parameters as they may be, given what few samples tell; `Math.exp(centre + spread * normal)` is then one trial.
 *
 * Normal, with a spread at which a trial's interval of `COVERAGE` is that of Student's t: on the log scale the t
 * distribution has no mean, and a sum over hundreds of trials would be decided by its far tail alone.
 */
export function drawCell(estimate: DurationEstimate, widening: number, random: Random): CellDraw {
  const spread = (estimate.spread * widening * endOfT(estimate.freedom)) / END_OF_NORMAL;
  const shift = spread * Math.sqrt(estimate.centreVariance) * normal(random);
  return { spread, centre: estimate.centre + shift + estimate.scaleSpread * widening * normal(random) };
}

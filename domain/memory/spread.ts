/** How far measured peaks are from estimates, and with it how likely a run fits a GPU. */
import tCdf from '@stdlib/stats-base-dists-t-cdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import type { Kind } from './overhead.ts';

/** An estimate, and how much of it can be off. */
export interface Predicted {
  readonly bytes: number;
  /** Share that comes and goes, or is not the tensors': weights and states are known exactly. */
  readonly uncertain: number;
}

/** Errors are so many times those of a run that is all activations: two fifths stay however little they are. */
function sensitivity({ uncertain }: Predicted): number {
  return 0.4 + 0.6 * uncertain;
}

/** ln(measured / estimated) of a run that is all activations. */
export function residualOf(measured: number, predicted: Predicted): number {
  return Math.log(measured / predicted.bytes) / sensitivity(predicted);
}

/** `residualOf` the next run: Student's t. */
export interface Spread {
  readonly location: number;
  readonly scale: number;
  readonly freedom: number;
}

/** What a class of GPU is known for; kinds of runs err by different amounts. */
export type Margins = Readonly<Record<Kind, Spread>>;

/** What is believed of a source before its rows are seen: publications differ by about so much. */
const BEFORE = { scale: 0.08, sources: 2 } as const;

/**
 * Spread of published rows, where each source counts once, however many rows it has: runs of one source share what it leaves
 * unsaid. The location is drawn towards none by one source that is exactly right.
 *
 * @param bySource `residualOf` each source's rows
 */
export function spreadOf(bySource: readonly (readonly number[])[]): Spread {
  const sources = bySource.filter((rows) => rows.length > 0);
  const means = sources.map(average);
  const location = total(means) / (means.length + 1);
  const between = (BEFORE.sources * BEFORE.scale ** 2 + squares(means, location)) / (BEFORE.sources + sources.length);
  const within = sources.length === 0 ? 0 : average(sources.map((rows) => squares(rows, average(rows)) / rows.length));
  return { location, scale: Math.sqrt(between + within), freedom: BEFORE.sources + sources.length };
}

/** `spreadOf` of the published rows (`domain/memory/testing`), rounded; a test compares them. */
export const DEFAULT_MARGINS: Margins = {
  'one-fused': { location: 0.012, scale: 0.105, freedom: 5 },
  'one-full': { location: -0.007, scale: 0.126, freedom: 6 },
  'divided-fused': { location: -0.07, scale: 0.107, freedom: 4 },
  'divided-full': { location: -0.01, scale: 0.083, freedom: 4 },
};

/** So many measured trials count as much for the location as what was known before them. */
const PRIOR_TRIALS = 3;

/**
 * The spread after trials on the same class: the predictive distribution of a normal model whose mean and variance
 * have the prior that `spread` says (normal-inverse-gamma; Gelman et al., Bayesian Data Analysis, 3.3).
 *
 * @param residuals `residualOf` each measured cell
 */
export function updated(spread: Spread, residuals: readonly number[]): Spread {
  const n = residuals.length;
  if (n === 0) return spread;
  const mean = average(residuals);
  const weight = PRIOR_TRIALS + n;
  const freedom = spread.freedom + n;
  const shift = ((PRIOR_TRIALS * n) / weight) * (mean - spread.location) ** 2;
  const variance = (spread.freedom * spread.scale ** 2 + squares(residuals, mean) + shift) / freedom;
  return {
    location: (PRIOR_TRIALS * spread.location + n * mean) / weight,
    scale: Math.sqrt(variance * (1 + 1 / weight)),
    freedom,
  };
}

/** That a run needs no more than `capacity` bytes. */
export function probabilityOfFitting(predicted: Predicted, capacity: number, spread: Spread): number {
  const { location, scale, freedom } = spread;
  return tCdf((residualOf(capacity, predicted) - location) / scale, freedom);
}

const quantiles = new Map<string, number>();

/** Bytes that a GPU must have, so that the run exceeds them with probability `risk`. */
export function neededBytes(predicted: Predicted, { location, scale, freedom }: Spread, risk: number): number {
  const key = `${freedom} ${risk}`;
  const quantile = quantiles.get(key) ?? tQuantile(1 - risk, freedom);
  quantiles.set(key, quantile);
  return Math.ceil(predicted.bytes * Math.exp(sensitivity(predicted) * (location + scale * quantile)));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function average(values: readonly number[]): number {
  return total(values) / values.length;
}

function squares(values: readonly number[], centre: number): number {
  return total(values.map((value) => (value - centre) ** 2));
}

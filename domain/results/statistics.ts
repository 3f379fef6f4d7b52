/** The statistics of the comparison. Few seeds are the normal case, so every interval is Student's t. */

import tCdf from '@stdlib/stats-base-dists-t-cdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { mean } from '../measures/measures.ts';
import type { Delta, Estimate } from './estimates.ts';

const quantiles = new Map<number, number>();

/** 97.5 % point of Student's t, so that ± it covers 95 %; 12.706 for one degree of freedom, 2.776 for four. */
export function tCritical(degreesOfFreedom: number): number {
  const known = quantiles.get(degreesOfFreedom);
  if (known !== undefined) return known;
  const value = tQuantile(0.975, degreesOfFreedom);
  quantiles.set(degreesOfFreedom, value);
  return value;
}

/** Sample standard deviation (n − 1), two passes; null below two samples. Equal samples give exactly 0. */
export function standardDeviation(samples: readonly number[]): number | null {
  const centre = mean(samples);
  if (centre === null || samples.length < 2 || samples.every((sample) => sample === samples[0])) {
    return samples.length < 2 ? null : 0;
  }
  let squares = 0;
  for (const sample of samples) squares += (sample - centre) ** 2;
  return Math.sqrt(squares / (samples.length - 1));
}

/** Between order statistics by linear interpolation (Hyndman & Fan 1996, type 7); null without samples. */
export function percentile(samples: readonly number[], share: number): number | null {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  return below === undefined || above === undefined ? null : below + (above - below) * (at - Math.floor(at));
}

/** Mean with its 95 % Student t interval: mean ± t(0.975, n − 1) · sd / √n. */
export function estimate(samples: readonly number[]): Estimate {
  const equal = samples.length > 1 && samples.every((sample) => sample === samples[0]);
  const centre = equal ? (samples[0] ?? null) : mean(samples);
  const sd = standardDeviation(samples);
  const half = sd === null ? null : (tCritical(samples.length - 1) * sd) / Math.sqrt(samples.length);
  return {
    n: samples.length,
    mean: centre,
    sd,
    low: centre === null || half === null ? null : centre - half,
    high: centre === null || half === null ? null : centre + half,
    samples,
  };
}

/**
 * Mean and interval taken on the log scale and carried back, the standard deviation as it is.
 * For perplexity this makes the row agree with its own loss: exp(mean loss), never below zero.
 */
export function estimateOfExponential(logs: readonly number[], samples: readonly number[]): Estimate {
  const { mean: centre, low, high } = estimate(logs);
  return {
    n: samples.length,
    mean: centre === null ? null : Math.exp(centre),
    sd: standardDeviation(samples),
    low: low === null ? null : Math.exp(low),
    high: high === null ? null : Math.exp(high),
    samples,
  };
}

/** No pair to compare. */
export const NO_DELTA: Delta = { n: 0, mean: null, low: null, high: null, p: null, pAdjusted: null };

/**
 * Mean of paired differences with its t interval and the two-sided paired t test of "no difference".
 * Differences that are all equal leave nothing to estimate: p is 1 where they are zero, else 0 (the limit).
 */
export function pairedDifference(differences: readonly number[]): Delta {
  const { n, mean: centre, sd, low, high } = estimate(differences);
  return { n, mean: centre, low, high, p: pValue(n, centre, sd), pAdjusted: null };
}

/**
 * Geometric mean of paired ratios; interval and test on their logarithms. Ratios are summarized on the log scale
 * because only the geometric mean does not depend on which side is called the reference (Fleming & Wallace,
 * "How not to lie with statistics", CACM 29(3), 1986), and because a ratio's interval must not cross zero.
 * Pairs in which a side is not positive are left out.
 *
 * A difference of logarithms, not the logarithm of a quotient: only that is exactly the negative when sides are swapped.
 */
export function pairedRatio(pairs: readonly (readonly [value: number, reference: number])[]): Delta {
  const logs = pairs
    .filter(([value, reference]) => value > 0 && reference > 0)
    .map(([a, b]) => Math.log(a) - Math.log(b));
  const delta = pairedDifference(logs);
  const back = (x: number | null): number | null => (x === null ? null : Math.exp(x));
  return { ...delta, mean: back(delta.mean), low: back(delta.low), high: back(delta.high) };
}

function pValue(n: number, centre: number | null, sd: number | null): number | null {
  if (centre === null || sd === null) return null;
  if (sd === 0) return centre === 0 ? 1 : 0;
  return Math.min(1, 2 * tCdf(-Math.abs(centre / (sd / Math.sqrt(n))), n - 1));
}

/**
 * Holm's step-down adjustment (Holm 1979, Scand. J. Statist. 6): the i-th smallest of m values times m − i + 1,
 * made monotone, at most 1. Nulls (nothing was tested) stay null and do not count.
 */
export function holm(pValues: readonly (number | null)[]): (number | null)[] {
  const order = pValues
    .flatMap((p, index) => (p === null ? [] : [{ p, index }]))
    .sort((a, b) => a.p - b.p || a.index - b.index);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let running = 0;
  for (const [rank, { p, index }] of order.entries()) {
    running = Math.max(running, Math.min(1, p * (order.length - rank)));
    adjusted[index] = running;
  }
  return adjusted;
}

/** The same rows with `pAdjusted` filled in over one column. */
export function adjustDeltas(deltas: readonly Delta[]): Delta[] {
  const adjusted = holm(deltas.map((delta) => delta.p));
  return deltas.map((delta, index) => ({ ...delta, pAdjusted: adjusted[index] ?? null }));
}

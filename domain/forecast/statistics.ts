import type { Interval } from './types.ts';
import { COVERAGE } from './types.ts';

/** Quantile by linear interpolation between the sorted values (Hyndman and Fan 1996, type 7). NaN of none. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  // Equal values first: between two infinities there is nothing to interpolate.
  return below === above ? below : below + (above - below) * (place - Math.floor(place));
}

export function ascending(values: readonly number[]): readonly number[] {
  return values.toSorted((a, b) => a - b);
}

export function median(values: readonly number[]): number {
  return quantile(ascending(values), 0.5);
}

/** The middle and the interval of `COVERAGE` of draws; null where a part of it is never reached. */
export function intervalOf(draws: readonly number[]): Interval | null {
  if (draws.length === 0) return null;
  const sorted = ascending(draws);
  const interval = {
    low: quantile(sorted, (1 - COVERAGE) / 2),
    median: quantile(sorted, 0.5),
    high: quantile(sorted, (1 + COVERAGE) / 2),
  };
  return Number.isFinite(interval.high) ? interval : null;
}

/** Takes both ends of an interval further from its middle by a factor, on the log scale. */
export function widened({ low, median: middle, high }: Interval, factor: number): Interval {
  if (factor === 1 || middle <= 0) return { low, median: middle, high };
  return {
    low: middle * (Math.max(low, Number.MIN_VALUE) / middle) ** factor,
    median: middle,
    high: middle * (high / middle) ** factor,
  };
}

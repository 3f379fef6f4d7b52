/** How far past forecasts were off, and by how much intervals must be widened to hold what they promise. */
import { ascending, median } from './statistics.ts';
import { COVERAGE, type Interval } from './types.ts';

/** Fewer checked forecasts than this say too little to correct an interval by. */
export const ENOUGH_CHECKS = 10;

export interface CheckedForecast {
  readonly predicted: Interval;
  /** The factor that `predicted` was already widened by. */
  readonly widening: number;
  readonly actual: number;
}

export interface Accuracy {
  /** Forecasts whose outcome is known. */
  readonly n: number;
  /** Half of them were off by less than this share of the predicted value; null with none. */
  readonly medianError: number | null;
  /** Share of them inside their interval; 0.8 is promised. */
  readonly coverage: number | null;
  /** Factor on the log scale for the intervals of now; 1 also where too few were checked. */
  readonly widening: number;
}

/**
 * Split conformal prediction with normalized scores (Lei et al. 2018, JASA 113, "Distribution-free predictive inference
 * for regression"): the score is the error of the logarithm in units of the interval's half on that side; its
 * ⌈(n + 1) · 0.8⌉-th smallest value is the factor. Intervals are only widened, never made narrower than they are.
 */
export function accuracyOf(checked: readonly CheckedForecast[]): Accuracy {
  const usable = checked.filter(({ predicted, actual }) => predicted.median > 0 && actual > 0);
  const n = usable.length;
  if (n === 0) return { n, medianError: null, coverage: null, widening: 1 };
  const inside = usable.filter(({ predicted, actual }) => actual >= predicted.low && actual <= predicted.high).length;
  return {
    n,
    medianError: median(usable.map(({ predicted, actual }) => Math.abs(actual - predicted.median) / predicted.median)),
    coverage: inside / n,
    widening: n < ENOUGH_CHECKS ? 1 : Math.max(1, conformalFactor(usable)),
  };
}

function conformalFactor(checked: readonly CheckedForecast[]): number {
  const scores = ascending(
    checked.map(({ predicted, widening, actual }) => {
      const error = Math.log(actual / predicted.median);
      const bound = error > 0 ? predicted.high : Math.max(predicted.low, Number.MIN_VALUE);
      const half = Math.abs(Math.log(bound / predicted.median)) / widening;
      return half === 0 ? (error === 0 ? 0 : Number.POSITIVE_INFINITY) : Math.abs(error) / half;
    }),
  );
  const rank = Math.min(checked.length, Math.ceil((checked.length + 1) * COVERAGE));
  return Math.min(scores[rank - 1] ?? 1, MOST_WIDENING);
}

/** Beyond this an interval says nothing any more. */
const MOST_WIDENING = 20;

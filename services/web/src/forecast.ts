/** Forecasts in words. */
import type { AccuracyView, ForecastView } from '@lamina/domain/contract/forecast.ts';
import { clock, percent } from './format.ts';

/** "about 14:32 (14:20–15:05)", or why it is not known. */
export function endText({ end, unknown }: Pick<ForecastView, 'end' | 'unknown'>, nowMs: number): string {
  if (end === null) return `not known: ${unknown ?? 'no forecast'}`;
  const { low, median, high } = end;
  return `about ${clock(median, nowMs)} (${clock(low, nowMs)}–${clock(high, nowMs)})`;
}

/** What the interval is worth: how far past forecasts of the end were off. */
export function pastErrorText({ n, medianError, coverage }: AccuracyView): string {
  if (n === 0) return 'Four of five should end in the interval; no forecast has been checked yet.';
  return `Forecasts at submission so far: ${n}. Half were off by less than ${percent(medianError, 0)}; ${percent(coverage, 0)} ended inside their interval (80 % promised).`;
}

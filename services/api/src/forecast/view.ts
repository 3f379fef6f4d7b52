/** Forecasts as the API shows them: seconds from now become moments, and what is not known says why. */
import type {
  AccuracyView,
  DurationView,
  ExperimentForecastView,
  IntervalView,
  MomentView,
} from '@lamina/domain/contract/forecast.ts';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { durationInterval } from '@lamina/domain/forecast/duration.ts';
import type { ExperimentForecast } from '@lamina/domain/forecast/forecast.ts';
import type { Queue, QueueExperiment } from '@lamina/domain/forecast/queue.ts';
import { widened } from '@lamina/domain/forecast/statistics.ts';
import type { DurationEstimate, Interval } from '@lamina/domain/forecast/types.ts';
import { trialsOfOthers } from './queue.ts';

export interface ViewContext {
  readonly nowMs: number;
  readonly queue: Queue;
  readonly end: AccuracyView;
  readonly duration: AccuracyView;
  readonly inventory: GpuInventory | null;
  readonly pricePerHour: number | null;
}

export function forecastView(
  experiment: QueueExperiment,
  forecast: ExperimentForecast,
  context: ViewContext,
): ExperimentForecastView {
  const { nowMs, end: pastError, duration, queue } = context;
  const moment = (interval: Interval | null): MomentView | null => {
    if (interval === null) return null;
    const { low, median, high } = widened(interval, pastError.widening);
    return { low: at(nowMs, low), median: at(nowMs, median), high: at(nowMs, high) };
  };
  const estimates = new Map(experiment.cells.map(({ cellId, estimate }) => [cellId, estimate]));
  const gpuHours = hours(forecast.gpuSeconds);
  return {
    madeAt: at(nowMs, 0),
    start: moment(forecast.start),
    end: moment(forecast.end),
    unknown: forecast.end === null ? whyUnknown(experiment, forecast) : null,
    trialsOfOthers: trialsOfOthers(queue, experiment),
    trialHours: hours(forecast.placeSeconds),
    gpuHours,
    cost: costOf(experiment, forecast, context),
    pastError: { ...pastError },
    cells: forecast.cells.map(({ cellId, open, start, end }) => ({
      cellId,
      open,
      duration: durationView(estimates.get(cellId) ?? null, duration.widening),
      start: moment(start),
      end: moment(end),
    })),
  };
}

export function durationView(estimate: DurationEstimate | null, widening: number): DurationView | null {
  if (estimate === null) return null;
  const { basis, n } = estimate;
  return { seconds: durationInterval(estimate, widening), basis, n };
}

function whyUnknown({ paused, cells }: QueueExperiment, forecast: ExperimentForecast): string {
  if (paused) return 'the experiment is paused';
  const unknown = forecast.cells.filter(({ known }) => !known).length;
  if (unknown === 0) return 'trials wait behind others of which no like trial has run yet';
  if (unknown === forecast.cells.length) return 'no like trial has run yet';
  return `no like trial has run yet of ${unknown} of ${cells.length} cells`;
}

/** The document's price is for an hour of a trial's machine, the inventory's for an hour of a GPU. */
function costOf(
  experiment: QueueExperiment,
  { placeSeconds, gpuSeconds }: ExperimentForecast,
  { pricePerHour, inventory }: ViewContext,
): IntervalView | null {
  if (pricePerHour !== null) return times(hours(placeSeconds), pricePerHour);
  const pools = new Set(experiment.cells.map(({ pool }) => pool));
  const [pool] = pools;
  const price = inventory?.classes.find(({ name }) => name === pool)?.pricePerHour ?? null;
  return pools.size !== 1 || price === null ? null : times(hours(gpuSeconds), price);
}

function hours(seconds: Interval | null): IntervalView | null {
  return times(seconds, 1 / 3600);
}

function times(interval: Interval | null, factor: number): IntervalView | null {
  if (interval === null) return null;
  return { low: interval.low * factor, median: interval.median * factor, high: interval.high * factor };
}

/** The latest moment that a date can hold is far beyond any that is meant. */
const FARTHEST_SECONDS = 1e9;

function at(nowMs: number, seconds: number): string {
  return new Date(nowMs + Math.min(seconds, FARTHEST_SECONDS) * 1000).toISOString();
}

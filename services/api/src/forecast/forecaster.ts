/** Forecasts over the store's queue and history; one serves all who ask within a few seconds. */
import type {
  DurationView,
  ExperimentForecastView,
  ForecastAccuracyView,
  ForecastView,
} from '@lamina/domain/contract/forecast.ts';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { accuracyOf } from '@lamina/domain/forecast/accuracy.ts';
import { durationInterval } from '@lamina/domain/forecast/duration.ts';
import { type ExperimentForecast, forecast } from '@lamina/domain/forecast/forecast.ts';
import { isShared } from '@lamina/domain/forecast/pools.ts';
import type { Queue } from '@lamina/domain/forecast/queue.ts';
import { median, widened } from '@lamina/domain/forecast/statistics.ts';
import { likeKey } from '@lamina/domain/matrix/plan.ts';
import type { NewForecast, OpenExperiment } from '@lamina/platform/application/ports/forecast-store.ts';
import type { ExperimentRecord } from '@lamina/platform/application/ports/store.ts';
import type { Prepared } from '@lamina/platform/application/submission/prepare.ts';
import type { ApiDeps } from '../deps.ts';
import { queueOf } from './queue.ts';
import { durationView, forecastView } from './view.ts';

/** Past forecasts of each kind that errors are taken from. */
const MOST_FORECASTS = 500;
const SEED = 1;
/** A forecast serves for this long, and for so many times what it took to make: it never takes more than a twentieth of the process. */
const FRESH_MS = 3000;
const FRESH_TIMES = 20;
const ACCURACY_FRESH_MS = 10_000;
/** How old a forecast in a list may be. */
const LISTED_MS = 60_000;
const PREVIEW = 'preview';

export interface Forecaster {
  /** Null: no trial of it is open, or its forecast could not be made, which the log tells. */
  of(experiment: Forecastable): Promise<ExperimentForecastView | null>;
  /**
   * The same at no cost: what was made within the last minute, for lists. Where there is nothing, or it is not fresh
   * any more, the next one is made meanwhile.
   */
  known(experiment: Forecastable): ExperimentForecastView | null;
  /** What submitting would lead to; `forecast` is null where nothing would run, or it could not be made. */
  preview(
    prepared: Prepared,
    measured: ReadonlySet<string>,
  ): Promise<{ readonly forecast: ForecastView | null; readonly durations: ReadonlyMap<string, DurationView | null> }>;
  /** Keeps what is predicted for an experiment that was just stored, if that can be. */
  predict(experimentId: string): Promise<void>;
  accuracy(): Promise<ForecastAccuracyView>;
}

type Forecastable = Pick<ExperimentRecord, 'id' | 'state' | 'counts'>;

interface Made {
  readonly nowMs: number;
  readonly open: readonly OpenExperiment[];
  readonly queue: Queue;
  readonly forecasts: ReadonlyMap<string, ExperimentForecast>;
  readonly accuracy: ForecastAccuracyView;
  readonly inventory: GpuInventory | null;
}

export function createForecaster({ store, log }: Pick<ApiDeps, 'store' | 'log'>): Forecaster {
  const accuracy = remembered(async () => {
    const { ends, durations, starts } = await store.checkedForecasts(MOST_FORECASTS);
    const misses = starts.map(({ predicted, actual }) => Math.abs(actual - predicted));
    return {
      value: {
        end: accuracyOf(ends),
        duration: accuracyOf(durations),
        start: { n: misses.length, medianErrorSeconds: misses.length === 0 ? null : median(misses) },
      },
      freshMs: ACCURACY_FRESH_MS,
    };
  });

  /** Forecasts all open experiments, or only `alone` where they do not wait for each other. */
  async function make(alone: string | null, more: readonly OpenExperiment[] = []): Promise<Made> {
    const inventory = await store.getGpuInventory();
    const isAlone = alone !== null && !isShared(inventory);
    const open = [...(isAlone ? await store.openExperiments(alone) : await store.openExperiments()), ...more];
    const cells = open.flatMap((experiment) => experiment.cells);
    const models = new Map(cells.map(({ settings }) => [JSON.stringify(settings.model), settings.model]));
    const cellIds = [...new Set(cells.map(({ cellId }) => cellId))];
    const [history, held, runnerFacts, past] = await Promise.all([
      open.length === 0 ? [] : store.pastTrials({ models: [...models.values()], cellIds }),
      isShared(inventory) ? store.gpusHeldAt(inventory.at) : [],
      store.getRunnerFacts(),
      accuracy.get(),
    ]);
    const nowMs = Date.now();
    const queue = queueOf(open, { history, inventory, held, device: runnerFacts?.device?.name ?? null });
    const forecasts = forecast(queue, { seed: SEED, widening: past.duration.widening });
    return { nowMs, open, queue, inventory, accuracy: past, forecasts: new Map(forecasts.map((one) => [one.id, one])) };
  }

  /** Made since, of experiments that were submitted, retried, paused or resumed. */
  const news = new Map<string, Made>();
  const all = remembered(async () => {
    const beganAt = performance.now();
    const value = await make(null);
    news.clear();
    return { value, freshMs: Math.max(FRESH_MS, (performance.now() - beganAt) * FRESH_TIMES) };
  });

  async function renew(id: string): Promise<Made> {
    const made = await make(id);
    news.set(id, made);
    return made;
  }

  function viewOf(made: Made, id: string): ExperimentForecastView | null {
    const experiment = made.queue.experiments.find((one) => one.id === id);
    const found = made.forecasts.get(id);
    if (experiment === undefined || found === undefined) return null;
    const pricePerHour = made.open.find((one) => one.id === id)?.pricePerHour ?? null;
    const { queue, nowMs, inventory } = made;
    const { end, duration } = made.accuracy;
    return forecastView(experiment, found, { queue, nowMs, inventory, end, duration, pricePerHour });
  }

  return {
    accuracy: () => accuracy.get(),

    async of(experiment) {
      const { id } = experiment;
      if (!isOpen(experiment)) return null;
      const since = news.get(id);
      if (since !== undefined && fits(since, experiment) && Date.now() - since.nowMs < FRESH_MS)
        return viewOf(since, id);
      return unlessItFails(async () => {
        const made = await all.get();
        return viewOf(fits(made, experiment) ? made : await renew(id), id);
      }, null);
    },

    known(experiment) {
      if (!isOpen(experiment)) return null;
      void unlessItFails(() => all.get(), null);
      const made = [news.get(experiment.id), all.last()]
        .filter((one) => one !== undefined)
        .filter((one) => fits(one, experiment) && Date.now() - one.nowMs < LISTED_MS)
        .toSorted((a, b) => b.nowMs - a.nowMs)[0];
      return made === undefined ? null : viewOf(made, experiment.id);
    },

    async preview(prepared, measured) {
      const nothing = { forecast: null, durations: new Map<string, DurationView | null>() };
      return unlessItFails(() => previewOf(prepared, measured), nothing);
    },

    async predict(experimentId) {
      const save = async () => store.saveForecasts(experimentId, newForecasts(await renew(experimentId), experimentId));
      await unlessItFails(save, undefined);
    },
  };

  async function previewOf(prepared: Prepared, measured: ReadonlySet<string>) {
    const experiment = previewed(prepared, measured);
    const made = await make(PREVIEW, experiment.pending.length === 0 ? [] : [experiment]);
    const view = viewOf(made, PREVIEW);
    const estimates = made.queue.experiments.find(({ id }) => id === PREVIEW)?.cells ?? [];
    const { widening } = made.accuracy.duration;
    const { cells: _, ...whole } = view ?? { cells: [] };
    return {
      forecast: view === null ? null : (whole as ForecastView),
      durations: new Map(estimates.map(({ cellId, estimate }) => [cellId, durationView(estimate, widening)])),
    };
  }

  /** What is asked for is hardly ever the forecast itself: it never makes an answer fail. */
  async function unlessItFails<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      log.warn({ err: error }, 'a forecast could not be made');
      return otherwise;
    }
  }
}

function isOpen({ state, counts }: Forecastable): boolean {
  const open = (counts.pending ?? 0) + (counts.running ?? 0) + (counts.retrying ?? 0);
  return open > 0 && (state === 'pending' || state === 'running' || state === 'paused');
}

/** It was made of the experiment as it stands. */
function fits({ open }: Made, { id, state }: Forecastable): boolean {
  return open.some((one) => one.id === id && one.paused === (state === 'paused'));
}

/** The experiment as it would be, at the end of the queue. */
function previewed({ document, expansion, policy, plans }: Prepared, measured: ReadonlySet<string>): OpenExperiment {
  const toRun = expansion.trials.filter(({ id }) => !measured.has(id));
  const cells = new Map(toRun.map((trial) => [trial.cell.id, trial]));
  return {
    id: PREVIEW,
    paused: false,
    maxParallel: policy.maxParallel,
    pricePerHour: document.resources.pricePerHour,
    cells: [...cells.values()].flatMap(({ cell, settings }) => {
      const plan = plans[cell.id];
      return plan === undefined ? [] : [{ cellId: cell.id, likeKey: likeKey(settings), settings, plan }];
    }),
    running: [],
    pending: toRun.map(({ cell }) => cell.id),
  };
}

function newForecasts({ queue, forecasts, accuracy }: Made, id: string): readonly NewForecast[] {
  const experiment = queue.experiments.find((one) => one.id === id);
  const { start, end = null } = forecasts.get(id) ?? {};
  const widening = accuracy.end.widening;
  const whole =
    end === null
      ? []
      : [
          {
            cellId: null,
            interval: widened(end, widening),
            widening,
            overheadSeconds: 0,
            startSeconds: start?.median ?? null,
          },
        ];
  const cells = (experiment?.cells ?? []).flatMap(({ cellId, estimate }) =>
    estimate === null
      ? []
      : [
          {
            cellId,
            interval: durationInterval(estimate, accuracy.duration.widening),
            widening: accuracy.duration.widening,
            overheadSeconds: estimate.overheadSeconds,
            startSeconds: null,
          },
        ],
  );
  return [...whole, ...cells];
}

/** The same answer for all who ask while it is fresh, those who ask while it is made included. */
function remembered<T>(make: () => Promise<{ readonly value: T; readonly freshMs: number }>) {
  let made: { readonly answer: Promise<{ readonly value: T }>; untilMs: number } | null = null;
  let last: T | undefined;
  return {
    /** What was made last, fresh or not. */
    last: () => last,
    async get(): Promise<T> {
      if (made !== null && performance.now() < made.untilMs) return (await made.answer).value;
      const entry = { answer: make(), untilMs: Number.POSITIVE_INFINITY };
      made = entry;
      try {
        const { value, freshMs } = await entry.answer;
        entry.untilMs = performance.now() + freshMs;
        last = value;
        return value;
      } catch (error) {
        entry.untilMs = 0;
        throw error;
      }
    },
  };
}

/** When experiments and their cells start and end: many draws of the queue, and the quantiles of what comes out. */
import { type CellDraw, drawCell } from './duration.ts';
import type { Queue, QueueAttempt, QueueCell, QueueExperiment } from './queue.ts';
import { normal, normalAbove, type Random, seeded, streamSeed } from './random.ts';
import { type Durations, type SimulatedExperiment, type Span, simulate } from './simulate.ts';
import { intervalOf } from './statistics.ts';
import type { DurationEstimate, Interval } from './types.ts';

/** Seconds from now; null: not known, see `CellForecast.known`. */
export interface CellForecast {
  readonly cellId: string;
  /** When the first of its waiting trials starts; null also where none waits. */
  readonly start: Interval | null;
  /** When its last trial ends. */
  readonly end: Interval | null;
  /** Trials that run or wait. */
  readonly open: number;
  readonly known: boolean;
}

export interface ExperimentForecast {
  readonly id: string;
  /** When the first waiting trial starts; null where none waits or it is not known. */
  readonly start: Interval | null;
  readonly end: Interval | null;
  /** Seconds that its open trials still take on their places, added up; null where a duration is not known. */
  readonly placeSeconds: Interval | null;
  /** The same, each trial times its GPUs. */
  readonly gpuSeconds: Interval | null;
  /** Cells with open trials. */
  readonly cells: readonly CellForecast[];
}

export interface ForecastOptions {
  /** The same seed gives the same forecast. */
  readonly seed: number;
  /** Factor by which durations turned out to be less certain than they seemed; 1: as they seem. */
  readonly widening?: number;
  readonly draws?: number;
}

const MOST_DRAWS = 200;
const FEWEST_DRAWS = 25;
/** Trials of all draws together: bounds the time that a forecast takes. */
const WORK = 100_000;

/**
 * Standard deviation of the logarithm of what all trials of an experiment share: how busy and how warm their machines
 * are. Assumed; without it an experiment of hundreds of trials would seem to be known to the second.
 */
const COMMON_SPREAD = 0.05;

interface Drawn {
  readonly durations: Durations;
  readonly spans: SimulatedExperiment;
}

export function forecast(queue: Queue, { seed, widening = 1, draws }: ForecastOptions): readonly ExperimentForecast[] {
  const trials = queue.experiments.reduce((sum, { running, pending }) => sum + running.length + pending.length, 1);
  const count = draws ?? Math.round(Math.min(MOST_DRAWS, Math.max(FEWEST_DRAWS, WORK / trials)));
  const drawn: Drawn[][] = queue.experiments.map(() => []);
  for (let draw = 0; draw < count; draw += 1) {
    const durations = queue.experiments.map((experiment) =>
      drawDurations(experiment, widening, seeded(streamSeed(`${seed} ${experiment.id}`, draw))),
    );
    for (const [index, spans] of simulate(queue, durations).entries()) {
      drawn[index]?.push({ spans, durations: durations[index] as Durations });
    }
  }
  return queue.experiments.map((experiment, index) => summarize(experiment, drawn[index] ?? []));
}

function drawDurations(experiment: QueueExperiment, widening: number, random: Random): Durations {
  const common = COMMON_SPREAD * widening * normal(random);
  const cells = experiment.cells.map(({ estimate }) => {
    if (estimate === null) return null;
    const { centre, spread } = drawCell(estimate, widening, random);
    return { estimate, draw: { spread, centre: estimate.spread === 0 ? centre : centre + common } };
  });
  const of = (cell: number, seconds: (estimate: DurationEstimate, draw: CellDraw) => number) => {
    const known = cells[cell];
    return known == null ? Number.POSITIVE_INFINITY : seconds(known.estimate, known.draw);
  };
  const started = new Set(experiment.running.map(({ cell }) => cell));
  return {
    remaining: experiment.running.map((attempt) =>
      of(attempt.cell, (estimate, draw) => remainingSeconds(attempt, estimate, draw, random)),
    ),
    pending: experiment.pending.map((cell) =>
      of(cell, (estimate, draw) => {
        const extra = started.has(cell) ? 0 : estimate.firstExtraSeconds;
        started.add(cell);
        return Math.exp(draw.centre + draw.spread * normal(random)) + extra;
      }),
    ),
  };
}

/**
 * From its steps where it trains already; else the rest of a duration that is longer than it has run. An attempt that
 * has not begun has all before it.
 */
function remainingSeconds(attempt: QueueAttempt, estimate: DurationEstimate, draw: CellDraw, random: Random): number {
  const { step, steps, begun, elapsedSeconds } = attempt;
  const whole = () => Math.exp(draw.centre + draw.spread * normal(random));
  if (!begun || elapsedSeconds <= 0) return whole();
  if (step !== null && steps !== null && step > 0 && steps > 0) {
    return whole() * (estimate.trainShare * Math.max(0, 1 - step / steps) + estimate.afterShare);
  }
  const elapsed = Math.log(elapsedSeconds);
  if (draw.spread === 0) return Math.max(0, Math.exp(draw.centre) - elapsedSeconds);
  const beyond = normalAbove((elapsed - draw.centre) / draw.spread, random);
  return Math.max(0, Math.exp(draw.centre + draw.spread * beyond) - elapsedSeconds);
}

function summarize(experiment: QueueExperiment, drawn: readonly Drawn[]): ExperimentForecast {
  const { id, running, pending, cells } = experiment;
  const over = (read: (drawn: Drawn) => number) => intervalOf(drawn.map(read));
  const starts = (spans: readonly Span[]) => spans.reduce((first, { start }) => Math.min(first, start), Infinity);
  const ends = (spans: readonly Span[]) => spans.reduce((last, { end }) => Math.max(last, end), 0);
  const total = ({ durations }: Drawn, weight: (cell: QueueCell | undefined) => number) => {
    const sum = (list: readonly number[], cellOf: (index: number) => number) =>
      list.reduce((all, seconds, index) => all + seconds * weight(cells[cellOf(index)]), 0);
    return (
      sum(durations.remaining, (index) => running[index]?.cell ?? -1) +
      sum(durations.pending, (index) => pending[index] ?? -1)
    );
  };
  const hasGpus = cells.every(({ gpus }) => gpus > 0);
  return {
    id,
    start: pending.length === 0 ? null : over(({ spans }) => starts(spans.pending)),
    end: over(({ spans }) => Math.max(ends(spans.running), ends(spans.pending))),
    placeSeconds: over((one) => total(one, () => 1)),
    gpuSeconds: hasGpus ? over((one) => total(one, (cell) => cell?.gpus ?? 0)) : null,
    cells: cells.flatMap((cell, index) => {
      const alive = indices(running, (attempt) => attempt.cell === index);
      const waiting = indices(pending, (position) => position === index);
      if (alive.length + waiting.length === 0) return [];
      const at = (spans: readonly Span[], places: readonly number[]) =>
        places.map((place) => spans[place] ?? { start: Infinity, end: Infinity });
      return [
        {
          cellId: cell.cellId,
          start: waiting.length === 0 ? null : over(({ spans }) => starts(at(spans.pending, waiting))),
          end: over(({ spans }) => Math.max(ends(at(spans.running, alive)), ends(at(spans.pending, waiting)))),
          open: alive.length + waiting.length,
          known: cell.estimate !== null,
        },
      ];
    }),
  };
}

function indices<T>(items: readonly T[], matches: (item: T) => boolean): readonly number[] {
  return items.flatMap((item, index) => (matches(item) ? [index] : []));
}

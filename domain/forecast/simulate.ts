/**
 * One way that the queue may empty: every experiment keeps up to `maxParallel` attempts launched, in order; attempts
 * that need GPUs take them from their pool, first come first served. A duration that is not known is infinite: what
 * waits for it never starts, which is how "not known" travels to everything that depends on it.
 */
import { createHeap } from './heap.ts';
import type { Queue, QueueExperiment } from './queue.ts';

/** Durations of one experiment in this draw, seconds from now on. */
export interface Durations {
  /** Time left of each attempt that runs. */
  readonly remaining: readonly number[];
  /** Duration of each trial that waits. */
  readonly pending: readonly number[];
}

/** Seconds from now. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface SimulatedExperiment {
  readonly running: readonly Span[];
  readonly pending: readonly Span[];
}

interface Item {
  readonly experiment: number;
  readonly kind: 'running' | 'pending';
  readonly index: number;
  readonly seconds: number;
  readonly pool: string | null;
  readonly gpus: number;
}

const NEVER: Span = { start: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY };

export function simulate(queue: Queue, durations: readonly Durations[]): readonly SimulatedExperiment[] {
  const spans = queue.experiments.map(({ running, pending }) => ({
    running: running.map((): Span => NEVER),
    pending: pending.map((): Span => NEVER),
  }));
  const free = new Map(queue.pools);
  const lines = new Map<string, Item[]>();
  const ends = createHeap<Item>();
  const next = queue.experiments.map(() => 0);

  function start(item: Item, at: number): void {
    const of = spans[item.experiment]?.[item.kind];
    const end = at + item.seconds;
    if (of !== undefined) of[item.index] = { start: at, end };
    if (Number.isFinite(end)) ends.push(end, item);
  }

  function serve(pool: string, at: number): void {
    const line = lines.get(pool) ?? [];
    let served = 0;
    for (const item of line) {
      const left = free.get(pool) ?? 0;
      if (item.gpus > left) break;
      free.set(pool, left - item.gpus);
      start(item, at);
      served += 1;
    }
    line.splice(0, served);
  }

  function launch(item: Item, at: number): void {
    const { pool } = item;
    if (pool === null || !free.has(pool)) return start(item, at);
    const line = lines.get(pool) ?? [];
    lines.set(pool, line);
    line.push(item);
    serve(pool, at);
  }

  function launchNext(experiment: number, at: number): void {
    const { pending, cells, paused } = queue.experiments[experiment] as QueueExperiment;
    const index = next[experiment] ?? 0;
    const cell = cells[pending[index] ?? -1];
    if (paused || cell === undefined) return;
    next[experiment] = index + 1;
    const seconds = durations[experiment]?.pending[index] ?? Number.POSITIVE_INFINITY;
    launch({ experiment, kind: 'pending', index, seconds, pool: cell.pool, gpus: cell.gpus }, at);
  }

  const running = queue.experiments.flatMap((experiment, position) =>
    experiment.running.map((attempt, index) => {
      const cell = experiment.cells[attempt.cell];
      const seconds = durations[position]?.remaining[index] ?? Number.POSITIVE_INFINITY;
      const item: Item = {
        experiment: position,
        kind: 'running',
        index,
        seconds,
        pool: cell?.pool ?? null,
        gpus: cell?.gpus ?? 0,
      };
      return { item, begun: attempt.begun };
    }),
  );
  for (const { item } of running.filter(({ begun }) => begun)) {
    if (item.pool !== null) free.set(item.pool, (free.get(item.pool) ?? item.gpus) - item.gpus);
    start(item, 0);
  }
  for (const { item } of running.filter(({ begun }) => !begun)) launch(item, 0);
  for (const [position, experiment] of queue.experiments.entries()) {
    for (let slot = experiment.running.length; slot < experiment.maxParallel; slot += 1) launchNext(position, 0);
  }
  for (let ended = ends.pop(); ended !== null; ended = ends.pop()) {
    const { at, item } = ended;
    if (item.pool !== null && free.has(item.pool)) free.set(item.pool, (free.get(item.pool) ?? 0) + item.gpus);
    launchNext(item.experiment, at);
    if (item.pool !== null) serve(item.pool, at);
  }
  return spans;
}

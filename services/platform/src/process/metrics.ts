import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** A scrape does not wait longer for the store. */
const STORE_MS = 2000;

export interface Metrics {
  readonly registry: Registry;
  /** Seconds of HTTP requests by method, route and status. */
  readonly requestSeconds: Histogram<'method' | 'route' | 'status'>;
  /** Trainer events taken in. */
  readonly trainerEvents: Counter;
  readonly openStreams: Gauge;
}

/**
 * How many experiments are blocked, as the store knows at the moment of the scrape.
 *
 * @param listBlocked asks the store
 * @param known how many this process knows of by itself, told while the store is away; null: nothing is told then
 */
export function measureBlocked(
  registry: Registry,
  listBlocked: () => Promise<readonly unknown[]>,
  known: (() => number) | null,
): void {
  const gauge = new Gauge({
    name: 'lamina_experiments_blocked',
    help: 'Experiments that do not go on, because a step of theirs fails again and again',
    registers: [registry],
    async collect() {
      const late = new Promise<null>((resolve) => setTimeout(resolve, STORE_MS, null).unref());
      const count = listBlocked().then(({ length }) => length);
      const answer = (await Promise.race([count.catch(() => null), late])) ?? known?.() ?? null;
      if (answer === null) gauge.remove();
      else gauge.set(answer);
    },
  });
}

/** Counts attempts as a worker records their ends: `succeeded`, `diverged`, or a failure class. */
export function endedAttemptsCounter(registry: Registry): Counter<'outcome'> {
  return new Counter({
    name: 'lamina_attempts_ended_total',
    help: 'Attempts whose end this worker has recorded, by outcome',
    labelNames: ['outcome'],
    registers: [registry],
  });
}

/** A registry of its own, so that several applications can live in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'lamina_http_request_seconds',
      help: 'Seconds that HTTP requests took',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    trainerEvents: new Counter({ name: 'lamina_trainer_events_total', help: 'Trainer events stored', registers }),
    openStreams: new Gauge({ name: 'lamina_open_streams', help: 'Event and log streams that are open', registers }),
  };
}

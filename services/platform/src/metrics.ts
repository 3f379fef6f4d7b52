import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  /** Seconds of HTTP requests by method, route and status. */
  readonly requestSeconds: Histogram<'method' | 'route' | 'status'>;
  /** Trainer events taken in. */
  readonly trainerEvents: Counter;
  readonly openStreams: Gauge;
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

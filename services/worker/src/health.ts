/** Health of the worker, as a kubelet asks for it, and its metrics. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { measureBlocked } from '@lamina/platform/process/metrics.ts';
import { readinessOf } from '@lamina/platform/process/readiness.ts';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  /** What `/metrics` tells; the figures of the process are added to it. */
  readonly registry: Registry;
  /** Each answers, or rejects where that part is away. */
  readonly checks: Readonly<Record<string, () => Promise<unknown>>>;
  /** Requests to the cluster so far, by verb and resource. */
  readonly requests: (() => ReadonlyMap<string, number>) | null;
  /** How many experiments are blocked: as the store knows, and while it is away, as the worker does. */
  readonly blocked: { readonly store: Pick<ExperimentStore, 'listBlocked'>; readonly known: () => number };
}

export async function serveHealth(options: HealthOptions): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { host, port, registry, checks, requests, blocked } = options;
  measureProcess(registry, requests);
  measureBlocked(registry, () => blocked.store.listBlocked(), blocked.known);
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    const json = (status: number, value: unknown) => answer(status, 'application/json', `${JSON.stringify(value)}\n`);
    const failed = () => json(500, { status: 'failed' });
    if (request.url === '/healthz') json(200, { status: 'ok' });
    else if (request.url === '/readyz') {
      readinessOf(checks).then((ready) => json(ready.status === 'ok' ? 200 : 503, ready), failed);
    } else if (request.url === '/metrics') {
      registry.metrics().then((text) => answer(200, registry.contentType, text), failed);
    } else json(404, { status: 'unknown' });
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.address}:${address.port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function measureProcess(registry: Registry, requests: HealthOptions['requests']): void {
  collectDefaultMetrics({ register: registry });
  if (requests === null) return;
  const gauge = new Gauge({
    name: 'lamina_cluster_requests_total',
    help: 'Requests to the API server of the cluster',
    labelNames: ['verb', 'resource'],
    registers: [registry],
    collect() {
      for (const [name, count] of requests()) {
        const [verb = '', resource = ''] = name.split(' ');
        gauge.set({ verb, resource }, count);
      }
    },
  });
}

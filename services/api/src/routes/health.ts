import { readinessOf } from '@lamina/platform/process/readiness.ts';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import type { Api } from '../instance.ts';

const state = z.enum(['ok', 'failed']);
const readiness = z.object({ status: state, checks: z.object({ database: state, engine: state }) });

/** Registers what a kubelet and a load balancer ask. */
export function healthRoutes(app: Api, { store, control, metrics }: ApiDeps): void {
  app.get(
    '/healthz',
    {
      // A busy service is alive: one that is ended for its load would start again under the same load.
      config: { rateLimit: false, probe: true, pressureHandler: () => undefined },
      schema: {
        summary: 'The process lives',
        tags: ['operation'],
        response: { 200: z.object({ status: z.literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  );

  app.get(
    '/readyz',
    {
      config: { rateLimit: false, probe: true },
      schema: {
        summary: 'Database and engine answer',
        tags: ['operation'],
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_request, reply) => {
      const ready = await readinessOf({
        database: () => store.listExperiments({ limit: 1, cursor: null }),
        engine: () => control.check(),
      });
      return reply.code(ready.status === 'ok' ? 200 : 503).send(ready);
    },
  );

  app.get('/metrics', { config: { rateLimit: false }, schema: { hide: true } }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}

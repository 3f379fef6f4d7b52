import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import type { Api } from '../instance.ts';

const CHECK_MS = 3000;
const state = z.enum(['ok', 'failed']);
const readiness = z.object({ status: state, checks: z.object({ database: state, engine: state }) });

/** For whoever keeps the process alive and sends it traffic. */
export function healthRoutes(app: Api, { store, control, metrics }: ApiDeps): void {
  app.get(
    '/healthz',
    {
      // Busy is alive: a service that is ended for its load would start anew under it.
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
      const [database, engine] = await Promise.all([
        check(() => store.listExperiments({ limit: 1, cursor: null })),
        check(() => control.check()),
      ]);
      const status = database === 'ok' && engine === 'ok' ? 'ok' : 'failed';
      return reply.code(status === 'ok' ? 200 : 503).send({ status, checks: { database, engine } });
    },
  );

  app.get('/metrics', { config: { rateLimit: false }, schema: { hide: true } }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}

async function check(work: () => Promise<unknown>): Promise<'ok' | 'failed'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'failed'>((resolve) => {
    timer = setTimeout(() => resolve('failed'), CHECK_MS);
  });
  try {
    return await Promise.race([
      work().then(
        () => 'ok' as const,
        () => 'failed' as const,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

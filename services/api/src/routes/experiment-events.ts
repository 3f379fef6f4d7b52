import { experimentEventsQuery } from '@lamina/domain/contract/api.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import type { Api } from '../instance.ts';
import type { Streams } from '../streams.ts';
import { byId, findExperiment } from './lookups.ts';

const BATCH = 500;
/** Changes are told at once; this is for one that was missed. */
const LOOK_AGAIN_MS = 5000;
const resumeHeader = z.object({ 'last-event-id': z.string().optional() });

export function experimentEventRoutes(app: Api, deps: ApiDeps & { streams: Streams }): void {
  const { store, streams } = deps;

  app.get(
    '/experiments/:id/events',
    {
      sse: 'only',
      schema: {
        summary: 'What happens in an experiment, as server-sent events',
        description: 'The whole history from the beginning, or from after `Last-Event-ID` or `after`, and then live.',
        tags: ['experiments'],
        params: byId,
        querystring: experimentEventsQuery,
        headers: resumeHeader,
        produces: ['text/event-stream'],
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await findExperiment(store, id);
      const { signal } = streams.open(reply);
      reply.header('cache-control', 'no-cache').header('x-accel-buffering', 'no');
      reply.sse.keepAlive();
      reply.sse.sendHeaders();
      const header = Number(request.headers['last-event-id']);
      let after = Number.isSafeInteger(header) && header >= 0 ? header : request.query.after;
      const changes = changesOf(store, id, signal);
      try {
        while (!signal.aborted) {
          const events = await store.experimentEvents(id, after, BATCH);
          for (const event of events) {
            if (signal.aborted) break;
            await reply.sse.send({ id: String(event.id), event: event.type, data: event.data });
            after = event.id;
          }
          if (events.length < BATCH) await changes.next();
        }
      } finally {
        changes.close();
        reply.sse.close();
      }
    },
  );
}

/** Waits for changes of one experiment; a change between two waits is not lost. */
function changesOf(store: ExperimentStore, id: string, signal: AbortSignal) {
  let changed = false;
  let wake = () => {};
  const tell = () => {
    changed = true;
    wake();
  };
  const stop = store.onExperimentEvents((experimentId) => {
    if (experimentId === id || experimentId === null) tell();
  });
  signal.addEventListener('abort', tell);
  return {
    async next(): Promise<void> {
      if (!changed) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, LOOK_AGAIN_MS);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      changed = false;
    },
    close() {
      stop();
      signal.removeEventListener('abort', tell);
    },
  };
}

import { attemptEventsQuery, attemptEventsView } from '@lamina/domain/contract/api.ts';
import { eventBatch, eventReceipt } from '@lamina/domain/contract/trial.ts';
import { verifyAttemptToken } from '@lamina/platform/application/tokens.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import type { Api } from '../instance.ts';
import { byId, findAttempt } from './lookups.ts';

/** What trainers post. Mounted by the API, and alone by `intake.ts` for pods. */
export function eventIntakeRoute(app: Api, { store, secret, metrics }: Pick<ApiDeps, 'store' | 'secret' | 'metrics'>) {
  app.post(
    '/attempts/:id/events',
    {
      schema: {
        summary: 'Take in events of a trainer',
        description: 'Idempotent by sequence number; `lastSeq` says up to where everything is stored.',
        tags: ['attempts'],
        security: [{ attemptToken: [] }],
        params: byId,
        body: eventBatch,
        response: { 200: eventReceipt },
      },
      // A hundred trainers on one machine share its address.
      config: { rateLimit: false },
      onRequest: (request, _reply, done) => {
        const { id } = request.params as { id: string };
        const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
        const valid = token !== undefined && verifyAttemptToken(secret, id, token);
        done(
          valid ? undefined : new ApiError('unauthorized', undefined, { headers: { 'www-authenticate': 'Bearer' } }),
        );
      },
    },
    async ({ params: { id }, body: { events } }) => {
      const receipt = await store.appendTrialEvents(id, events);
      metrics.trainerEvents.inc(receipt.accepted);
      return receipt;
    },
  );
}

/** What trainers have posted. */
export function attemptEventRoutes(app: Api, { store }: Pick<ApiDeps, 'store'>): void {
  app.get(
    '/attempts/:id/events',
    {
      schema: {
        summary: 'All events that the trainer of an attempt has posted',
        tags: ['attempts'],
        params: byId,
        querystring: attemptEventsQuery,
        response: { 200: attemptEventsView },
      },
    },
    async ({ params: { id }, query: { after, limit } }) => {
      await findAttempt(store, id);
      return { items: [...(await store.listTrialEvents(id, after, limit))] };
    },
  );
}

import {
  attemptListView,
  attemptView as attemptSchema,
  page,
  trialDetail,
  trialView as trialSchema,
  trialsQuery,
} from '@lamina/domain/contract/api.ts';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import type { Api } from '../instance.ts';
import { attemptView, trialView } from '../views.ts';
import { byId, byTrial, findAttempt, findExperiment, findTrial } from './lookups.ts';

export function trialRoutes(app: Api, { store }: ApiDeps): void {
  app.get(
    '/experiments/:id/trials',
    {
      schema: {
        summary: 'Trials of an experiment, in the order they run',
        tags: ['trials'],
        params: byId,
        querystring: trialsQuery,
        response: { 200: page(trialSchema) },
      },
    },
    async ({ params: { id }, query: { limit, cursor, state, cellId } }) => {
      const found = await store.listTrials(id, {
        limit,
        cursor: cursor ?? null,
        ...(state === undefined ? {} : { state }),
        ...(cellId === undefined ? {} : { cellId }),
      });
      if (found.items.length === 0) await findExperiment(store, id);
      return { ...found, items: found.items.map(trialView) };
    },
  );

  app.get(
    '/experiments/:id/trials/:trialId',
    { schema: { summary: 'One trial', tags: ['trials'], params: byTrial, response: { 200: trialDetail } } },
    async ({ params: { id, trialId } }) => {
      const record = await findTrial(store, id, trialId);
      const attempts = await store.listAttempts(id, trialId);
      return {
        ...trialView(record),
        settings: record.trial.settings,
        result: record.result,
        attemptList: attempts.map(attemptView),
      };
    },
  );

  app.get(
    '/experiments/:id/attempts',
    {
      schema: {
        summary: 'Attempts of an experiment or of one of its trials',
        tags: ['attempts'],
        params: byId,
        querystring: z.object({ trialId: z.string().optional() }),
        response: { 200: attemptListView },
      },
    },
    async ({ params: { id }, query: { trialId } }) => {
      await (trialId === undefined ? findExperiment(store, id) : findTrial(store, id, trialId));
      return { items: (await store.listAttempts(id, trialId)).map(attemptView) };
    },
  );

  app.get(
    '/attempts/:id',
    { schema: { summary: 'One attempt', tags: ['attempts'], params: byId, response: { 200: attemptSchema } } },
    async ({ params: { id } }) => attemptView(await findAttempt(store, id)),
  );
}

import { preparationView } from '@lamina/domain/contract/api.ts';
import { DATASET_TRIAL } from '@lamina/domain/contract/generation.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import type { Api } from '../instance.ts';
import { attemptView, preparationSummary } from '../views.ts';
import { byId, findExperiment } from './lookups.ts';

export function preparationRoutes(app: Api, { store }: Pick<ApiDeps, 'store'>): void {
  app.get(
    '/experiments/:id/preparation',
    {
      schema: {
        summary: 'How the dataset of an experiment is or was generated',
        tags: ['experiments'],
        params: byId,
        response: { 200: preparationView },
      },
    },
    async ({ params: { id } }) => {
      const found = await store.getPreparation(id);
      if (found === null) {
        await findExperiment(store, id);
        throw new ApiError('nothing-prepared', `the dataset of experiment ${id} is not generated`);
      }
      const attempts = await store.listAttempts(id, DATASET_TRIAL);
      return { ...preparationSummary(found), spec: found.spec, attemptList: attempts.map(attemptView) };
    },
  );
}

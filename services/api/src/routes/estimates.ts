import { submitBody } from '@lamina/domain/contract/api.ts';
import { estimateView } from '@lamina/domain/contract/estimate.ts';
import type { ModelRef } from '@lamina/domain/contract/settings.ts';
import { estimateDocument, type KnownShape, modelsOf, parseEstimateDocument } from '@lamina/domain/matrix/estimate.ts';
import { canonical } from '@lamina/domain/vocabulary/canonical.ts';
import { choiceFrom } from '@lamina/platform/application/submission/gpu-offers.ts';
import { InvalidDocument } from '@lamina/platform/application/submission/invalid-document.ts';
import { placesFrom } from '@lamina/platform/application/submission/paths.ts';
import type { Submissions } from '@lamina/platform/application/submission/submissions.ts';
import { tracedModels } from '@lamina/platform/application/submission/traced-models.ts';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import type { Api } from '../instance.ts';

export function estimateRoutes(app: Api, { submissions }: ApiDeps & { submissions: Submissions }): void {
  app.post(
    '/estimates',
    {
      schema: {
        summary: 'How much GPU memory each cell needs, and the smallest GPU it fits',
        description: 'Nothing is stored or run. A model may be its config.json alone: `{source: config, path: …}`.',
        tags: ['experiments'],
        querystring: z.object({ baseDirectory: z.string().optional() }),
        body: submitBody,
        response: { 200: estimateView },
      },
    },
    async ({ body, query }) => {
      const { baseDirectory, shapes, gpus, tracer } = submissions.options(query.baseDirectory ?? body.baseDirectory);
      const parsed = parseEstimateDocument(body.document);
      if (!parsed.ok) throw new InvalidDocument(parsed.issues);
      const { document, configs } = parsed;
      const places = placesFrom(baseDirectory);
      const located = (model: ModelRef) =>
        model.source === 'hf' ? model : { ...model, path: places.absolute(model.path) };
      const untraced = await Promise.all(
        modelsOf(document).map(async (model) => {
          const config = (await shapes.of(located(model))) === null ? await shapes.config(located(model)) : null;
          return config === null ? [] : [{ model, config }];
        }),
      );
      const traced = await tracedModels(document, untraced.flat(), tracer);
      const known = async (model: ModelRef): Promise<KnownShape> => {
        const shape = await shapes.of(located(model));
        const found = traced.get(canonical(model));
        if (found !== undefined)
          return 'model' in found ? { shape: found.model, trainer: 'lamina' } : { shape: null, message: found.message };
        if (shape === null) return { shape, message: 'no configuration of a known family is on the server' };
        const trainer = model.source === 'path' && configs.includes(model.path) ? 'transformers' : 'lamina';
        return { shape, trainer };
      };
      const models = modelsOf(document);
      const found = await Promise.all(models.map(known));
      const byModel = new Map(models.map((model, index) => [canonical(model), found[index]]));
      return estimateDocument(document, {
        shapeOf: (model) => byModel.get(canonical(model)) ?? { shape: null, message: 'is not known' },
        ...choiceFrom(await gpus.offer(() => null), document.resources),
      });
    },
  );
}

import { createHash } from 'node:crypto';
import {
  experimentDetail as detailSchema,
  listQuery,
  page,
  previewView as previewSchema,
  submitBody,
  experimentView as viewSchema,
} from '@lamina/domain/contract/api.ts';
import { canonical } from '@lamina/domain/vocabulary/canonical.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import { toStore } from '@lamina/platform/application/submission/planned.ts';
import { prepare } from '@lamina/platform/application/submission/prepare.ts';
import type { Submissions } from '@lamina/platform/application/submission/submissions.ts';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import type { Forecaster } from '../forecast/forecaster.ts';
import type { Api } from '../instance.ts';
import type { Starter } from '../starter.ts';
import { experimentDetail, experimentView, previewView } from '../views.ts';
import { byId, findExperiment } from './lookups.ts';

/** Query of a document that is sent as YAML text: the fields that submitBody has besides the document. */
const yamlQuery = z.object({ baseDirectory: z.string().optional(), reuse: z.stringbool().optional() });
/** A preview answers without what takes longer to find out; to submit waits. */
const PREVIEW_PATIENCE_MS = 1000;

const idempotencyHeader = z.object({ 'idempotency-key': z.string().min(1).max(200).optional() });

type Deps = ApiDeps & { submissions: Submissions; starter: Starter; forecaster: Forecaster };

export function experimentRoutes(app: Api, deps: Deps): void {
  const { store, artifacts, submissions, starter, forecaster } = deps;

  const detail = async (id: string) => {
    const experiment = await findExperiment(store, id);
    const [cells, forecast, preparation] = await Promise.all([
      store.listCells(id),
      forecaster.of(experiment),
      store.getPreparation(id),
    ]);
    return experimentDetail(experiment, cells, forecast, preparation);
  };

  app.post(
    '/experiments',
    {
      schema: {
        summary: 'Submit an experiment',
        description: '201: stored and started. 202: stored; starts when the engine answers. 200: the key is known.',
        tags: ['experiments'],
        querystring: yamlQuery,
        headers: idempotencyHeader,
        body: submitBody,
        response: { 200: detailSchema, 201: detailSchema, 202: detailSchema },
      },
    },
    async (request, reply) => {
      const body = submission(request);
      const prepared = await prepare(body.document, submissions.options(body.baseDirectory));
      await Promise.all(prepared.copies.map(({ key, from }) => artifacts.copyIn(key, from)));
      const id = newExperimentId();
      const { experiment, created } = await store.createExperiment(
        {
          id,
          name: prepared.document.name,
          ...toStore(prepared, { id, reuse: body.reuse }),
          idempotencyKey: request.headers['idempotency-key'] ?? null,
          bodyHash: createHash('sha256').update(canonical(body)).digest('hex'),
        },
        { reuse: body.reuse },
      );
      if (created) await forecaster.predict(experiment.id);
      const started = created ? await starter.start(experiment.id) : true;
      reply.header('location', `/v1/experiments/${experiment.id}`);
      return reply.code(created ? (started ? 201 : 202) : 200).send(await detail(experiment.id));
    },
  );

  app.post(
    '/experiments/preview',
    {
      schema: {
        summary: 'What submitting would do',
        tags: ['experiments'],
        querystring: yamlQuery,
        body: submitBody,
        response: { 200: previewSchema },
      },
    },
    async (request) => {
      const body = submission(request);
      const prepared = await prepare(body.document, submissions.options(body.baseDirectory, PREVIEW_PATIENCE_MS));
      const ids = body.reuse ? prepared.expansion.trials.map((trial) => trial.id) : [];
      const measured = await store.measuredTrials(ids);
      return previewView(prepared, measured, await forecaster.preview(prepared, measured));
    },
  );

  app.get(
    '/experiments',
    {
      schema: {
        summary: 'Experiments, newest first',
        tags: ['experiments'],
        querystring: listQuery,
        response: { 200: page(viewSchema) },
      },
    },
    async ({ query: { limit, cursor, state, name } }) => {
      const found = await store.listExperiments({
        limit,
        cursor: cursor ?? null,
        ...(state === undefined ? {} : { state }),
        ...(name === undefined ? {} : { name }),
      });
      return { ...found, items: found.items.map((one) => experimentView(one, forecaster.known(one))) };
    },
  );

  app.get(
    '/experiments/:id',
    { schema: { summary: 'One experiment', tags: ['experiments'], params: byId, response: { 200: detailSchema } } },
    async ({ params }) => detail(params.id),
  );
}

/** A YAML body cannot hold the options; the query can. */
function submission({ body, query }: { body: z.infer<typeof submitBody>; query: z.infer<typeof yamlQuery> }) {
  const { baseDirectory = body.baseDirectory, reuse = body.reuse } = query;
  return { document: body.document, reuse, ...(baseDirectory === undefined ? {} : { baseDirectory }) };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type ActionView, actionView, extendBody, retryBody } from '@lamina/domain/contract/api.ts';
import { studiesOf } from '@lamina/domain/search/studies.ts';
import { extendDocument } from '@lamina/domain/spec/extend.ts';
import { parseStored } from '@lamina/domain/spec/parse.ts';
import {
  TERMINAL_EXPERIMENT_STATES as ENDED,
  type ExperimentState,
  type TrialState,
} from '@lamina/domain/vocabulary/states.ts';
import { ExperimentNotRunning } from '@lamina/platform/application/ports/control.ts';
import { DocumentChanged } from '@lamina/platform/application/ports/errors.ts';
import type { ExperimentRecord } from '@lamina/platform/application/ports/store.ts';
import { InvalidDocument } from '@lamina/platform/application/submission/invalid-document.ts';
import { prepare } from '@lamina/platform/application/submission/prepare.ts';
import type { Submissions } from '@lamina/platform/application/submission/submissions.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import type { Forecaster } from '../forecast/forecaster.ts';
import type { Api } from '../instance.ts';
import type { Starter } from '../starter.ts';
import { experimentView } from '../views.ts';
import { byId, findExperiment } from './lookups.ts';

const OPEN: readonly TrialState[] = ['pending', 'running', 'retrying'];
/** How long an answer waits for the state that was asked for to be seen. */
const SETTLE_MS = 3000;

type Deps = ApiDeps & { submissions: Submissions; starter: Starter; forecaster: Forecaster };

export function actionRoutes(app: Api, deps: Deps): void {
  const { store, artifacts, control, submissions, starter, forecaster } = deps;

  async function answer(id: string, affected: number): Promise<ActionView> {
    const experiment = await findExperiment(store, id);
    return { experiment: experimentView(experiment, await forecaster.of(experiment)), affected };
  }

  const asks = {
    pause: (id: string) => control.pause(id),
    resume: (id: string) => control.resume(id),
    cancel: (id: string) => control.cancel(id),
  };

  const steer = (action: keyof typeof asks, expected: readonly ExperimentState[]) => {
    app.post(
      `/experiments/:id/${action}`,
      {
        schema: {
          summary: `${action[0]?.toUpperCase()}${action.slice(1)} an experiment`,
          description: '`affected` counts its open trials.',
          tags: ['experiments'],
          params: byId,
          response: { 200: actionView },
        },
      },
      async ({ params: { id } }) => {
        const before = await findExperiment(store, id);
        refuse(before, ENDED);
        const open = OPEN.reduce((sum, state) => sum + (before.counts[state] ?? 0), 0);
        await running(id, () => asks[action](id));
        // A search that was given up goes on as well; one that goes on already looks again.
        if (action === 'resume' && (await store.hasSearch(id))) await control.search(id);
        await settled(id, [...expected, ...ENDED]);
        return answer(id, open);
      },
    );
  };
  steer('pause', ['paused']);
  steer('resume', ['running']);
  steer('cancel', ['cancelling']);

  /** An experiment that is open but has no run (the engine was away when it was stored) is started first. */
  async function running(id: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ExperimentNotRunning)) throw error;
      refuse(await findExperiment(store, id), ENDED);
      await control.start(id);
      await work();
    }
  }

  async function settled(id: string, states: readonly ExperimentState[]): Promise<void> {
    for (const end = Date.now() + SETTLE_MS; Date.now() < end; ) {
      const experiment = await store.getExperiment(id);
      if (experiment === null || states.includes(experiment.state)) return;
      await sleep(50);
    }
  }

  app.post(
    '/experiments/:id/retry',
    {
      schema: {
        summary: 'Run failed or cancelled trials again, or the generation of the dataset',
        tags: ['experiments'],
        params: byId,
        body: retryBody,
        response: { 200: actionView },
      },
      preValidation: (request, _reply, done) => {
        // Everything in it is optional, and so is the body.
        (request as { body: unknown }).body ??= {};
        done();
      },
    },
    async ({ params: { id }, body: { states, trialIds } }) => {
      refuse(await findExperiment(store, id), ['cancelling']);
      if (trialIds !== undefined) await refuseUnknown(id, trialIds);
      const affected = await store.resetTrials(id, { states, ...(trialIds === undefined ? {} : { trialIds }) });
      const isPrepared = trialIds !== undefined || !(await store.resetPreparation(id));
      if (affected > 0 || !isPrepared) await starter.wake(id);
      return answer(id, affected);
    },
  );

  async function refuseUnknown(id: string, trialIds: readonly string[]): Promise<void> {
    const known = new Set((await store.getTrials(id, trialIds)).map((trial) => trial.trialId));
    const errors = trialIds.flatMap((trialId, index) =>
      known.has(trialId) ? [] : [{ path: `body.trialIds.${index}`, message: `is not a trial of ${id}` }],
    );
    if (errors.length > 0) throw new ApiError('invalid-request', undefined, { errors });
  }

  app.post(
    '/experiments/:id/extend',
    {
      schema: {
        summary: 'Add values to axes of the matrix',
        tags: ['experiments'],
        params: byId,
        body: extendBody,
        response: { 200: actionView },
      },
    },
    async ({ params: { id }, body: { matrix } }) => {
      const affected = await extend(id, matrix);
      if (affected > 0) await starter.wake(id);
      return answer(id, affected);
    },
  );

  async function extend(id: string, matrix: Readonly<Record<string, readonly unknown[]>>, tries = 3): Promise<number> {
    const experiment = await findExperiment(store, id);
    refuse(experiment, ['cancelling']);
    const stored = parseStored(experiment.document as object);
    if (!stored.ok) throw new InvalidDocument(stored.issues);
    if (stored.document.dataset.source === 'generated') {
      throw new ApiError('dataset-not-ready', `the trials of experiment ${id} follow once its dataset is generated`);
    }
    const more = extendDocument(stored.document, matrix);
    if (!more.ok) throw new InvalidDocument(more.issues);
    const { document, expansion, plans, copies } = await prepare(more.document, submissions.options(undefined));
    await Promise.all(copies.map(({ key, from }) => artifacts.copyIn(key, from)));
    const change = { from: experiment.document, to: document };
    const studies = studiesOf(document, expansion, id);
    try {
      return await store.addTrials(id, expansion.trials, plans, { reuse: true, document: change, studies });
    } catch (error) {
      // Two extensions at once: the later one is made again, from what the earlier one left.
      if (!(error instanceof DocumentChanged) || tries === 1) throw error;
      return extend(id, matrix, tries - 1);
    }
  }
}

function refuse(experiment: ExperimentRecord, states: readonly ExperimentState[]): void {
  if (!states.includes(experiment.state)) return;
  if (experiment.state === 'cancelling') {
    throw new ApiError('experiment-cancelling', `experiment ${experiment.id} is being cancelled`);
  }
  throw new ApiError('experiment-ended', `experiment ${experiment.id} has ended: ${experiment.state}`);
}

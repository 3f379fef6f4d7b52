/** The generation of a dataset, as the work of the run that comes before the trials: one thing to do. */
import type { GenerationResult } from '@lamina/domain/contract/generation.ts';
import { fileDataset } from '@lamina/domain/contract/settings.ts';
import { applyHint } from '@lamina/domain/run/hints.ts';
import { asAccepted } from '@lamina/domain/spec/parse.ts';
import type { ArtifactStore } from '@lamina/platform/application/ports/artifacts.ts';
import type { PreparationRecord, PreparedDataset } from '@lamina/platform/application/ports/preparation-store.ts';
import { InvalidDocument } from '@lamina/platform/application/submission/invalid-document.ts';
import { plannedOf } from '@lamina/platform/application/submission/planned.ts';
import type { Work } from './advance.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { finalError } from './final-errors.ts';
import { DATASETS, generateRequest } from './requests.ts';

export function createGenerationWork(deps: ActivityDependencies): Work {
  const { store, artifacts } = deps;
  return {
    async claim(experimentId, { batch, hints }) {
      const claimed = await store.claimPreparation(experimentId, batch);
      return claimed === null ? [] : [{ ...claimed, plan: applyHint(claimed.plan, hints[claimed.likeKey]) }];
    },
    async requests(experimentId, orders) {
      const { spec } = await existing(deps, experimentId);
      return orders.map(({ plan, ...ref }) => generateRequest(deps, ref, plan, spec));
    },
    async start(experimentId, attempts) {
      await store.startAttempts(attempts);
      for (const { attempt } of attempts) {
        await store.movePreparation(experimentId, { state: 'running', attempts: attempt });
      }
    },
    async refuse(result) {
      const found = await datasetOf(artifacts, result as GenerationResult);
      return 'problem' in found ? found.problem : null;
    },
    async record(experimentId, recorded) {
      for (const { order, result } of recorded) {
        const { state, message } = order;
        if (result !== null) await complete(deps, experimentId, result as GenerationResult);
        else if (state === null) await store.movePreparation(experimentId, { state: 'retrying', message });
        else {
          const ended = state === 'cancelled' ? 'cancelled' : 'failed';
          await store.movePreparation(experimentId, { state: ended, message });
        }
      }
    },
    /** What waits is cancelled; what is alive is stopped by the run itself. */
    async cancelPending(experimentId) {
      const state = (await store.getPreparation(experimentId))?.state;
      if (state !== 'pending' && state !== 'retrying') return;
      await store.movePreparation(experimentId, { state: 'cancelled', message: 'cancelled before it ran' });
    },
    finish: (experimentId) => store.endPreparation(experimentId),
  };
}

async function existing({ store }: ActivityDependencies, experimentId: string): Promise<PreparationRecord> {
  const found = await store.getPreparation(experimentId);
  if (found === null) throw finalError('UnknownPreparation', `experiment ${experimentId} has no preparation`);
  return found;
}

/** Where the data of a generation that has ended well are, or why they cannot be used. */
async function datasetOf(
  artifacts: ArtifactStore,
  { dataset }: GenerationResult,
): Promise<{ readonly path: string } | { readonly problem: string }> {
  const key = `${DATASETS}/${dataset.path}`;
  const stored = await artifacts.readFrom(key, 0, 0);
  const path = artifacts.localPath(key);
  if (stored === null || path === null) return { problem: `${key} is not in the artifact store` };
  if (stored.size !== dataset.bytes) return { problem: `${key} has ${stored.size} bytes, not ${dataset.bytes}` };
  return { path };
}

/** The document names the data from now on, and the trials follow from it. */
async function complete(deps: ActivityDependencies, experimentId: string, result: GenerationResult): Promise<void> {
  const { store, artifacts, plan, log } = deps;
  const [experiment, preparation] = await Promise.all([
    store.getExperiment(experimentId),
    store.getPreparation(experimentId),
  ]);
  if (experiment === null || preparation === null || preparation.state === 'succeeded') return;
  const found = await datasetOf(artifacts, result);
  if ('problem' in found) throw new Error(found.problem);
  const dataset: PreparedDataset['dataset'] = fileDataset.parse({
    source: 'file',
    path: found.path,
    format: 'jsonl',
    fields: preparation.spec.fields,
    onBadRecord: 'fail',
    evaluation: null,
    fingerprint: result.dataset.sha256,
  });
  try {
    const planned = plannedOf(await plan({ ...asAccepted(experiment.document as object), dataset }), experimentId);
    await store.completePreparation(experimentId, { dataset, report: result.report }, planned);
    log.info({ experimentId, records: result.dataset.records, trials: planned.trials.length }, 'the dataset is there');
  } catch (error) {
    if (!(error instanceof InvalidDocument)) throw error;
    const message = error.issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ');
    await store.movePreparation(experimentId, { state: 'failed', message });
  }
}

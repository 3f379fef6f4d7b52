/** What attempts are asked for, with files by the paths that they see. Pure. */
import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';
import { API_KEY_VARIABLE, type GenerateRequest, type GenerationSpec } from '@lamina/domain/contract/generation.ts';
import type { DatasetRef, TrialSettings } from '@lamina/domain/contract/settings.ts';
import type { Plan, TrialRequest } from '@lamina/domain/contract/trial.ts';
import { CONTRACT_VERSION } from '@lamina/domain/contract/units.ts';
import { attemptFolder, trialKey } from '@lamina/platform/application/ports/artifacts.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { TrialPaths } from './trial-paths.ts';

/** Keys of the artifact store: data sets by their content, and the answers that were paid for. */
export const DATASETS = 'datasets';
const ANSWERS = 'generated';

type RequestContext = Pick<ActivityDependencies, 'trialPaths' | 'eventsBaseUrl'>;

export function trialRequest(
  context: RequestContext,
  ref: AttemptRef,
  plan: Plan,
  settings: TrialSettings,
): TrialRequest {
  const { trialPaths } = context;
  return {
    ...frame(context, ref),
    settings: settingsInTrial(settings, trialPaths),
    plan,
    // Whatever the attempt before had ended for.
    resume: ref.attempt > 1,
    paths: {
      output: trialPaths.artifact(attemptFolder(ref)),
      checkpoints: trialPaths.artifact(`${trialKey(ref.experimentId, ref.trialId)}/checkpoints`),
      cache: trialPaths.cache,
    },
  };
}

export function generateRequest(
  context: RequestContext,
  ref: AttemptRef,
  plan: Plan,
  spec: GenerationSpec,
): GenerateRequest {
  const { trialPaths } = context;
  return {
    ...frame(context, ref),
    kind: 'generate',
    spec: specInTrial(spec, trialPaths),
    plan,
    paths: {
      output: trialPaths.artifact(attemptFolder(ref)),
      // A generation goes on from the answers that were paid for.
      checkpoints: trialPaths.artifact(ANSWERS),
      cache: trialPaths.cache,
      datasets: trialPaths.artifact(DATASETS),
    },
  };
}

function frame({ eventsBaseUrl }: RequestContext, ref: AttemptRef) {
  const events =
    eventsBaseUrl === null ? null : `${eventsBaseUrl.replace(/\/+$/, '')}/v1/attempts/${ref.attemptId}/events`;
  return { contract: CONTRACT_VERSION, ...ref, eventsUrl: events } as const;
}

function settingsInTrial(settings: TrialSettings, { input }: TrialPaths): TrialSettings {
  const { model, dataset, evaluation } = settings;
  const { tasks } = evaluation;
  const seen: Seen = (file) => ({ ...file, path: input(file.path) });
  return {
    ...settings,
    model: model.source === 'hf' ? model : { ...model, path: input(model.path) },
    dataset: dataset.source === 'hf' ? dataset : datasetInTrial(dataset, seen),
    evaluation: {
      ...evaluation,
      tasks: tasks && { ...tasks, files: tasks.files.map((file) => ({ ...seen(file), data: file.data.map(seen) })) },
    },
  };
}

type Seen = <T extends { readonly path: string }>(file: T) => T;

function datasetInTrial(dataset: Extract<DatasetRef, { source: 'file' }>, seen: Seen): DatasetRef {
  const { evaluation } = dataset;
  const scored = evaluation != null && 'path' in evaluation ? seen(evaluation) : evaluation;
  return { ...seen(dataset), evaluation: scored };
}

/** The key of a Secret is named by the variable that pods get it in. */
function specInTrial(spec: GenerationSpec, { input }: TrialPaths): GenerationSpec {
  const { prompts, endpoint, contamination } = spec;
  const key = endpoint.apiKeySecret === null ? {} : { apiKeyVariable: API_KEY_VARIABLE };
  return {
    ...spec,
    prompts: prompts.source === 'file' ? { ...prompts, path: input(prompts.path) } : prompts,
    endpoint: endpoint.gguf === null ? { ...endpoint, ...key } : { ...endpoint, gguf: input(endpoint.gguf) },
    contamination: {
      ...contamination,
      files: contamination.files.map((file) => ({ ...file, path: input(file.path) })),
    },
  };
}

/** What of a trial's settings decides how long it takes. */
import { keptLayers } from '../contract/layer-strategies.ts';
import type { ModelRef, TrialSettings } from '../contract/settings.ts';
import type { Plan } from '../contract/trial.ts';
import { canonical } from '../vocabulary/canonical.ts';
import type { Work } from './types.ts';

/** The same for the same weights, wherever they lie. */
export function modelKey(model: ModelRef): string {
  return 'fingerprint' in model && model.fingerprint !== null ? model.fingerprint : canonical(model);
}

/**
 * @param plan what it runs with: the class of GPUs may have been chosen for it
 * @param original decoder layers of the whole model; null where that is not known
 */
export function workOf(
  settings: Omit<TrialSettings, 'seed'>,
  keys: { readonly cellId: string; readonly likeKey: string },
  plan: Pick<Plan, 'gpuClass' | 'gpus'>,
  original: number | null,
): Work {
  const { training, evaluation } = settings;
  return {
    cellId: keys.cellId,
    likeKey: keys.likeKey,
    modelKey: modelKey(settings.model),
    method: settings.method,
    precision: settings.precision,
    gpuClass: plan.gpuClass,
    gpus: plan.gpus,
    steps: training.steps,
    tokensPerStep: training.microBatch * training.accumulation * training.maxLength,
    layers: keptLayers(settings.layers, original),
    evaluationTokens: evaluation.maxTokens,
    beforeTraining: evaluation.beforeTraining,
  };
}

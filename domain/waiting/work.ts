/** What of a trial's settings decides how long it takes. */
import type { LayerChoice, ModelRef, TrialSettings } from '../contract/trial.ts';
import { canonical } from '../spec/canonical.ts';
import type { Work } from './types.ts';

/** The same for the same weights, wherever they lie. */
export function modelKey(model: ModelRef): string {
  return 'fingerprint' in model && model.fingerprint !== null ? model.fingerprint : canonical(model);
}

/** @param original decoder layers of the whole model; null where that is not known */
export function workOf(
  settings: Omit<TrialSettings, 'seed'>,
  keys: { readonly cellId: string; readonly likeKey: string },
  original: number | null,
): Work {
  const { training, evaluation } = settings;
  return {
    ...keys,
    modelKey: modelKey(settings.model),
    method: settings.method,
    precision: settings.precision,
    gpuClass: settings.gpuClass,
    gpus: settings.gpus,
    steps: training.steps,
    tokensPerStep: training.microBatch * training.accumulation * training.maxLength,
    layers: keptLayers(settings.layers, original),
    evaluationTokens: evaluation.maxTokens,
    beforeTraining: evaluation.beforeTraining,
  };
}

function keptLayers(choice: LayerChoice, original: number | null): number | null {
  switch (choice.strategy) {
    case 'all':
      return original;
    case 'drop-last':
      return original === null ? null : original - choice.drop;
    case 'list':
      return choice.indices.length;
    default:
      return choice.keep;
  }
}

import type { TrialRequest } from '../contract/trial.ts';
import { estimateMemory } from '../memory/estimate.ts';
import { memorySettings } from '../memory/from-settings.ts';
import { plannedSettings, TRAINER_ASSUMPTIONS } from '../memory/learned.ts';
import type { ModelShape } from '../memory/shape.ts';

/** Bytes that an attempt is estimated to need on each of its GPUs; null where the model's shape is not known. */
export function processNeed({ settings, plan }: TrialRequest, shape: ModelShape | null): number | null {
  if (shape === null) return null;
  const planned = memorySettings(plannedSettings(settings, plan), shape, TRAINER_ASSUMPTIONS, 'lamina');
  return estimateMemory(shape, planned).peak.processBytes;
}

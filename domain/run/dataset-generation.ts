/** A run of one thing to do, before the trials are known: the same reducer runs it. */
import { DATASET_TRIAL } from '../contract/generation.ts';
import type { RunPolicy } from './types.ts';

export function isDatasetGeneration(trialId: string): boolean {
  return trialId === DATASET_TRIAL;
}

/** Host memory that a generation may be raised to after it ran out. */
const MOST_MEMORY_BYTES = 32 * 2 ** 30;

/** The experiment's patience, for one attempt at a time that needs no GPU. A trial's deadline is not a generation's. */
export function generationPolicy(policy: RunPolicy): RunPolicy {
  const { gpuClasses: _, ...rest } = policy;
  return { ...rest, maxParallel: 1, trialDeadlineSeconds: null, maxMemoryBytes: MOST_MEMORY_BYTES };
}

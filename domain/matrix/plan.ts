/** How a document's policy and a trial's settings become what the run loop works with. */

import type { TrialSettings } from '../contract/settings.ts';
import type { Plan } from '../contract/trial.ts';
import type { RunPolicy } from '../run/types.ts';
import type { ExperimentDocument } from '../spec/document.ts';
import { canonical } from '../vocabulary/canonical.ts';
import { sha256 } from '../vocabulary/sha256.ts';

/** How often the run loop asks the runner what it knows, should a message have been lost. */
const RECONCILE_MS = 60_000;

/** Bound on the host-memory request, in multiples of the document's, where it names none. */
const MEMORY_BOUND = 4;

/**
 * `gpuClasses`: from small to large, for trials that do not fit the one they were planned for. `parallel`: attempts
 * alive at once where the document does not say.
 */
export function runPolicy(
  document: ExperimentDocument,
  gpuClasses: readonly string[] = [],
  parallel: number = 1,
): RunPolicy {
  const { policy, resources } = document;
  return {
    maxParallel: policy.maxParallel ?? parallel,
    attempts: policy.attempts,
    maxAttempts: policy.maxAttempts,
    backoff: {
      initialMs: policy.backoff.initial * 1000,
      factor: policy.backoff.factor,
      maxMs: policy.backoff.max * 1000,
    },
    trialDeadlineSeconds: policy.trialDeadline,
    startDeadlineSeconds: policy.startDeadline,
    stallSeconds: policy.stall,
    graceSeconds: policy.grace,
    reconcileMs: RECONCILE_MS,
    maxMemoryBytes: resources.maxMemory ?? (resources.memory === null ? null : MEMORY_BOUND * resources.memory),
    pauseAfterGpuFault: true,
    ...(gpuClasses.length === 0 ? {} : { gpuClasses }),
  };
}

/** How many trials with these plans the GPUs of one machine can run at once; one where none of them needs a GPU. */
export function parallelOn(devices: number, plans: readonly Pick<Plan, 'gpus'>[]): number {
  const counts = plans.map(({ gpus }) => gpus).filter((gpus) => gpus > 0);
  return counts.length === 0 ? 1 : Math.max(1, Math.floor(devices / Math.min(...counts)));
}

/** What the first attempt of a trial runs with. `memoryBytes` is the document's `resources.memory`. */
export function initialPlan(settings: Omit<TrialSettings, 'seed'>, memoryBytes: number | null = null): Plan {
  return {
    gpuClass: settings.gpuClass,
    gpus: settings.gpus,
    microBatch: settings.training.microBatch,
    accumulation: settings.training.accumulation,
    checkpointing: settings.training.checkpointing,
    memoryBytes,
    excludedNodes: [],
  };
}

/** Trials with the same key need the same memory: a plan that worked for one is where the next begins. */
export function likeKey(settings: TrialSettings): string {
  const { model, layers, precision, computeDtype, method, training, lora, evaluation, gpuClass, gpus } = settings;
  const need = {
    model,
    layers,
    precision,
    computeDtype,
    method,
    gpuClass,
    gpus,
    lora: lora === null ? null : { r: lora.r, targets: lora.targets, bias: lora.bias },
    microBatch: training.microBatch,
    accumulation: training.accumulation,
    checkpointing: training.checkpointing,
    maxLength: training.maxLength,
    optimizer: training.optimizer,
    mixedPrecision: training.mixedPrecision,
    evaluationBatch: evaluation.microBatch,
  };
  return sha256(canonical(need)).slice(0, 16);
}

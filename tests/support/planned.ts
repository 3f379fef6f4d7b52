import { createHash } from 'node:crypto';
import { type TrialResult, trialResult } from '@lamina/domain/contract/result.ts';
import { sampleSettings } from '@lamina/domain/contract/testing/settings.ts';
import { initialPlan } from '@lamina/domain/matrix/plan.ts';
import type { Cell, PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { Plan, RunPolicy } from '@lamina/domain/run/types.ts';
import type { NewExperiment } from '@lamina/platform/application/ports/store.ts';

const POLICY: RunPolicy = {
  maxParallel: 4,
  attempts: 2,
  maxAttempts: 10,
  backoff: { initialMs: 10, factor: 2, maxMs: 100 },
  trialDeadlineSeconds: null,
  startDeadlineSeconds: 60,
  stallSeconds: 60,
  graceSeconds: 5,
  reconcileMs: 1000,
  maxMemoryBytes: null,
};

/** Trials of `cells` × `seeds`; `salt` tells families of trials apart. */
export function plannedTrials(cells: number, seeds: number, salt = 'planned'): readonly PlannedTrial[] {
  return Array.from({ length: cells }, (_, index) => index + 1).flatMap((layers) =>
    Array.from({ length: seeds }, (_, seed) => plannedTrial(layers, seed, salt)),
  );
}

function plannedTrial(layers: number, seed: number, salt: string): PlannedTrial {
  const model = { source: 'path', path: '/models/tiny', fingerprint: digest(salt) } as const;
  const cell: Cell = {
    id: digest(salt, layers).slice(0, 16),
    label: `${layers} layers · bf16 · lora`,
    model,
    layers: { strategy: 'first', keep: layers },
    precision: 'bf16',
    method: 'lora',
    parameters: {},
  };
  return {
    id: digest(salt, layers, seed),
    cell,
    settings: sampleSettings({
      model,
      layers: cell.layers,
      precision: cell.precision,
      method: cell.method,
      computeDtype: 'auto',
      training: { steps: 10, warmupMeasurements: 1 },
      evaluation: { maxTokens: 512, microBatch: 4 },
      seed,
    }),
  };
}

export function newExperiment(
  id: string,
  trials: readonly PlannedTrial[],
  more: Partial<NewExperiment> = {},
): NewExperiment {
  return {
    id,
    name: id,
    document: { apiVersion: 'lamina/v1' },
    policy: POLICY,
    trials,
    dropped: [],
    baselineCellId: trials[0]?.cell.id ?? null,
    plans: plansOf(trials),
    idempotencyKey: null,
    bodyHash: digest(id),
    ...more,
  };
}

export function plansOf(trials: readonly PlannedTrial[]): Record<string, Plan> {
  return Object.fromEntries(trials.map(({ cell, settings }) => [cell.id, initialPlan(settings)]));
}

/** A plausible result; deeper models lose less. */
export function resultOf(trial: PlannedTrial, attemptId: string): TrialResult {
  const layers = trial.cell.layers.strategy === 'first' ? trial.cell.layers.keep : 1;
  const loss = 4 - layers / 100 + trial.settings.seed / 1000;
  const evaluation = {
    loss,
    lossStandardError: 0.01,
    perplexity: Math.exp(loss),
    perplexityStandardError: null,
    accuracy: 0.3,
    tokens: 512,
    sequences: 8,
    seconds: 1,
    cached: false,
  };
  return trialResult.parse({
    contract: 'lamina/v1',
    trialId: trial.id,
    attemptId,
    status: 'succeeded',
    divergedAtStep: null,
    model: {
      architecture: 'LlamaForCausalLM',
      layersOriginal: 200,
      layersKept: Array.from({ length: Math.min(layers, 200) }, (_, index) => index),
      parameters: 1_000_000 * layers,
      trainableParameters: 10_000,
      weightBytes: 2_000_000 * layers,
      quantizedParameters: 0,
      quantizedBytes: 0,
      bitsPerParameter: 16,
      quantizedBitsPerParameter: null,
    },
    computeDtype: 'fp32',
    raw: evaluation,
    trained: evaluation,
    training: {
      steps: 10,
      tokens: 2560,
      samples: 40,
      losses: Array.from({ length: 10 }, (_, step) => ({ step: step + 1, loss: loss - step / 100 })),
      stepSeconds: Array.from({ length: 9 }, () => 0.5),
      stepTokens: Array.from({ length: 9 }, () => 256),
      warmupStepSeconds: [0.9],
      tokensPerSecond: 512,
      samplesPerSecond: 8,
      resumedFromStep: null,
    },
    seconds: {
      imports: 1,
      tokenizer: 1,
      data: 1,
      load: 1,
      quantize: null,
      evaluateRaw: 1,
      train: 5,
      evaluate: 1,
      total: 11,
    },
    memory: { peakAllocatedBytes: null, peakReservedBytes: null, peakProcessBytes: null, peakRssBytes: 1_000_000_000 },
    energyJoules: null,
    environment: {
      device: 'test CPU',
      deviceKind: 'cpu',
      driver: null,
      threads: 1,
      python: '3.13',
      libraries: { torch: '2.15.0' },
      trainerRevision: 'r1',
      datasetFingerprint: 'f',
      evaluationFingerprint: 'e',
      weightsFingerprint: null,
    },
    artifacts: [{ name: 'log', path: 'log.txt', bytes: 10 }],
  });
}

function digest(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

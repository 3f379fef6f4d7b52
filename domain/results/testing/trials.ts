/** Trials with made-up measurements, for tests and benchmarks of the comparison. */

import { type GgufResult, type TaskResult, type TrialResult, trialResult } from '../../contract/result.ts';
import { type LayerChoice } from '../../contract/settings.ts';
import { sampleSettings } from '../../contract/testing/settings.ts';
import { CONTRACT_VERSION } from '../../contract/units.ts';
import type { Cell, Scalar } from '../../matrix/types.ts';
import type { Method } from '../../vocabulary/methods.ts';
import type { Precision } from '../../vocabulary/precisions.ts';
import type { TrialState } from '../../vocabulary/states.ts';
import type { ComparedTrial, ComparisonInput } from '../input.ts';

export interface TrialOptions {
  readonly seed?: number;
  readonly state?: TrialState;
  readonly layers?: LayerChoice;
  readonly precision?: Precision;
  readonly method?: Method;
  readonly model?: string;
  readonly parameters?: Readonly<Record<string, Scalar>>;
  readonly loss?: number | null;
  readonly rawLoss?: number;
  readonly tokensPerSecond?: number | null;
  readonly weightBytes?: number;
  readonly quantizedParameters?: number;
  readonly rssBytes?: number;
  readonly reservedBytes?: number | null;
  readonly energyJoules?: number | null;
  readonly idleWatts?: number | null;
  readonly trainSeconds?: number;
  readonly stepParts?: TrialResult['training']['stepParts'];
  readonly dequantizationShare?: number | null;
  readonly inference?: TrialResult['inference'];
  readonly loadSeconds?: number;
  readonly totalSeconds?: number;
  readonly resumedFromStep?: number | null;
  readonly reusedFrom?: string | null;
  readonly measured?: boolean;
  readonly environment?: Partial<TrialResult['environment']>;
}

const ORIGINAL_LAYERS = 18;

export const GGUF_FILE: GgufResult = {
  type: 'f16',
  missing: null,
  fileBytes: 2 ** 30,
  bitsPerWeight: 16,
  writeSeconds: 40,
  promptTokensPerSecond: [300, 310, 320],
  generatedTokensPerSecond: [20, 22],
  perplexity: 24,
  perplexityStandardError: 1,
  perplexityDelta: 0,
  perplexityDeltaStandardError: 0.01,
  divergence: 0.00001,
  divergenceStandardError: 0.000001,
  sameTop: 0.999,
  sameTopStandardError: 0.0005,
  scoredTokens: 2040,
};

export const TASK_RESULT: TaskResult = {
  stage: 'trained',
  task: 'quiz',
  version: '1.0',
  metric: 'acc',
  value: 0.5,
  standardError: 0.1,
  higherIsBetter: true,
  samples: 20,
  fewShot: 0,
  fileSha256: 'file',
  dataSha256: 'data',
};

export function trialOf(options: TrialOptions = {}): ComparedTrial {
  const state = options.state ?? 'succeeded';
  const seed = options.seed ?? 1;
  const cell = cellOf(options);
  const settings = settingsOf(cell, seed);
  const measured = options.measured ?? ['succeeded', 'reused', 'diverged'].includes(state);
  return {
    trial: { id: `${cell.id}/${seed}`, cell, settings },
    state,
    reusedFrom: options.reusedFrom ?? null,
    result: measured ? resultOf(cell, options) : null,
  };
}

export function inputOf(trials: readonly ComparedTrial[], more: Partial<ComparisonInput> = {}): ComparisonInput {
  return {
    experimentId: 'experiment-1',
    name: 'a matrix',
    state: 'succeeded',
    baselineCellId: trials[0]?.trial.cell.id ?? null,
    trials,
    ...more,
  };
}

function cellOf(options: TrialOptions): Cell {
  const layers = options.layers ?? { strategy: 'all' };
  const precision = options.precision ?? 'bf16';
  const method = options.method ?? (precision.startsWith('nf4') || precision === 'int8' ? 'qlora' : 'lora');
  const parameters = options.parameters ?? {};
  const model = options.model ?? 'gemma.gguf';
  const size = 'keep' in layers ? `${layers.keep} layers` : layers.strategy === 'all' ? 'all layers' : layers.strategy;
  const label = [size, precision, method, ...Object.values(parameters)].join(' · ');
  return {
    id: `${model} ${label}`,
    label,
    model: { source: 'gguf', path: `/models/${model}`, fingerprint: null },
    layers,
    precision,
    method,
    parameters,
  };
}

function settingsOf(cell: Cell, seed: number): ComparedTrial['trial']['settings'] {
  const { model, layers, precision, method } = cell;
  return sampleSettings({ model, layers, precision, method, computeDtype: 'auto', lora: null, seed });
}

function resultOf(cell: Cell, options: TrialOptions): TrialResult {
  const loss = options.loss === undefined ? 3 : options.loss;
  const kept = 'keep' in cell.layers ? cell.layers.keep : ORIGINAL_LAYERS;
  const weightBytes = options.weightBytes ?? 500_000_000;
  return trialResult.parse({
    contract: CONTRACT_VERSION,
    trialId: cell.id,
    attemptId: 'attempt',
    status: loss === null ? 'diverged' : 'succeeded',
    divergedAtStep: loss === null ? 3 : null,
    model: {
      architecture: 'tiny',
      layersOriginal: ORIGINAL_LAYERS,
      layersKept: Array.from({ length: kept }, (_, index) => index),
      parameters: 250_000_000,
      trainableParameters: 1_000_000,
      weightBytes,
      quantizedParameters: options.quantizedParameters ?? 0,
      quantizedBytes: 0,
      bitsPerParameter: (8 * weightBytes) / 250_000_000,
      quantizedBitsPerParameter: null,
    },
    computeDtype: 'fp32',
    raw: evaluation(options.rawLoss ?? 4),
    trained: loss === null ? null : evaluation(loss),
    training: {
      steps: 10,
      tokens: 640,
      samples: 10,
      losses: [],
      stepSeconds: [],
      stepTokens: [],
      warmupStepSeconds: [],
      tokensPerSecond: options.tokensPerSecond === undefined ? 100 : options.tokensPerSecond,
      samplesPerSecond: null,
      resumedFromStep: options.resumedFromStep ?? null,
      stepParts: options.stepParts ?? null,
      dequantizationShare: options.dequantizationShare ?? null,
    },
    seconds: {
      imports: null,
      tokenizer: null,
      data: null,
      load: options.loadSeconds ?? 2,
      quantize: null,
      evaluateRaw: null,
      train: options.trainSeconds ?? null,
      evaluate: null,
      total: options.totalSeconds ?? 60,
    },
    memory: {
      peakAllocatedBytes: null,
      peakReservedBytes: options.reservedBytes ?? null,
      peakProcessBytes: null,
      peakRssBytes: options.rssBytes ?? 2 * 2 ** 30,
    },
    energyJoules: options.energyJoules ?? null,
    idleWatts: options.idleWatts ?? null,
    inference: options.inference ?? null,
    environment: {
      device: 'Some CPU',
      deviceKind: 'cpu',
      driver: null,
      threads: 2,
      python: '3.12',
      libraries: {},
      trainerRevision: 'revision-1',
      datasetFingerprint: 'data',
      evaluationFingerprint: 'held-out',
      weightsFingerprint: null,
      ...options.environment,
    },
    artifacts: [],
  });
}

function evaluation(loss: number): NonNullable<TrialResult['raw']> {
  return {
    loss,
    lossStandardError: 0.05,
    perplexity: Math.exp(loss),
    perplexityStandardError: null,
    accuracy: 0.4,
    tokens: 1000,
    sequences: 10,
    seconds: 1,
    cached: false,
  };
}

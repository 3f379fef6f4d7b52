/** A comparison in which every table has rows and every column a value: what the snapshots of all formats are taken of. */
import type { InferenceResult, TrialResult } from '../../contract/result.ts';
import type { SearchedStudy } from '../../search/types.ts';
import type { Precision } from '../../vocabulary/precisions.ts';
import { compareTrials } from '../compare.ts';
import type { ComparedTrial } from '../input.ts';
import { GGUF_FILE, inputOf, TASK_RESULT, trialOf } from './trials.ts';

const HALF = { strategy: 'first', keep: 9 } as const;
const GPU = { deviceKind: 'cuda', device: 'NVIDIA H200', driver: '570.86' } as const;
const CELLS: readonly { readonly precision: Precision; readonly size: number; readonly layers?: typeof HALF }[] = [
  { precision: 'bf16', size: 16 },
  { precision: 'int8', size: 8 },
  { precision: 'nf4', size: 4.5 },
  { precision: 'bf16', size: 16, layers: HALF },
  { precision: 'nf4', size: 4.5, layers: HALF },
];

/** Two seeds of five cells on a GPU, one of a sixth that diverged, and a search with three suggestions. */
export function richComparison() {
  const trials = CELLS.flatMap((cell, index) => [1, 2].map((seed) => measured(cell, index, seed)));
  const [base] = trials;
  if (base === undefined) throw new Error('there are cells');
  const diverged = trialOf({ precision: 'fp4', loss: null, state: 'diverged', tokensPerSecond: 60 });
  const suggestions = [2.9, 2.6, 2.7].map((loss, index) =>
    trialOf({ loss, seed: 1, totalSeconds: 900, parameters: { 'training.learningRate': (index + 1) * 1e-4 } }),
  );
  return compareTrials(
    inputOf([...trials, diverged, ...suggestions], {
      name: 'every table',
      pricePerHour: 3.2,
      estimatedBytes: new Map([[base.trial.cell.id, 21 * 2 ** 30]]),
      limits: { maxMemoryBytes: 40 * 2 ** 30 },
      search: [study(base, suggestions)],
    }),
  );
}

function measured({ precision, size, layers }: (typeof CELLS)[number], index: number, seed: number): ComparedTrial {
  const vary = 1 + 0.01 * seed + 0.003 * index * seed;
  const trial = trialOf({
    seed,
    precision,
    ...(layers === undefined ? {} : { layers }),
    loss: (layers ? 3.4 : 2.8) + 0.05 * index + 0.01 * seed,
    rawLoss: (layers ? 6 : 3.5) + 0.02 * index,
    tokensPerSecond: (1200 - 90 * index) * vary,
    weightBytes: 31_250_000 * size * (layers ? 0.6 : 1),
    reservedBytes: Math.round((8 + size - (layers ? 2 : 0)) * 2 ** 30 * vary),
    energyJoules: 900 * vary + 40 * index,
    idleWatts: 60,
    trainSeconds: 5,
    loadSeconds: 3 * vary,
    totalSeconds: 300 * vary + 11 * index,
    dequantizationShare: size < 16 ? 0.12 * vary : null,
    stepParts: {
      forward: [0.1 * vary, 0.11],
      backward: [0.2 * vary + 0.01 * index, 0.21],
      optimizer: [0.02, 0.02],
    },
    inference: inference(vary),
    environment: GPU,
  });
  return { ...trial, result: trial.result && withFiles(trial.result, size, vary) };
}

function withFiles(result: TrialResult, size: number, vary: number): TrialResult {
  return {
    ...result,
    model: { ...result.model, quantizedBitsPerParameter: size < 16 ? size : null },
    seconds: { ...result.seconds, quantize: size < 16 ? 2 * vary : null, evaluateRaw: 4 * vary, evaluate: 3.5 * vary },
    memory: { ...result.memory, peakAllocatedBytes: 2 ** 32, peakProcessBytes: 2 ** 33 },
    gguf: [
      { ...GGUF_FILE, perplexity: 24 * vary },
      {
        ...GGUF_FILE,
        type: 'q4_0',
        fileBytes: 2 ** 28,
        bitsPerWeight: 4.55,
        perplexity: 25 * vary,
        perplexityDelta: vary,
        divergence: 0.02 * vary,
        sameTop: 0.91,
      },
    ],
    tasks: [
      { ...TASK_RESULT, stage: 'raw', value: 0.31 * vary },
      { ...TASK_RESULT, value: 0.5 * vary },
    ],
  };
}

function inference(vary: number): InferenceResult {
  const samples = {
    batchSize: 4,
    prefillSeconds: [0.05 * vary, 0.06],
    decodeSeconds: [0.8 * vary, 0.82],
    peakMemoryBytes: 2 ** 33,
  };
  return {
    promptTokens: 64,
    newTokens: 32,
    trained: [samples],
    merged: [{ ...samples, prefillSeconds: [0.045, 0.05], decodeSeconds: [0.6, 0.62 * vary] }],
  };
}

function study(base: ComparedTrial, suggestions: readonly ComparedTrial[]): SearchedStudy {
  return {
    study: {
      key: 'study-1',
      label: base.trial.cell.label,
      cellIds: [base.trial.cell.id],
      spec: {
        name: 'experiment-1/study-1',
        sampler: 'tpe',
        seed: 0,
        directions: ['minimize'],
        parameters: { 'training.learningRate': { kind: 'float', low: 1e-5, high: 1e-2, log: true, step: null } },
        pruner: null,
      },
      objectives: ['loss'],
      trials: suggestions.length,
      parallel: 1,
    },
    suggestions: suggestions.map(({ trial, result }, number) => ({
      number,
      parameters: { 'training.learningRate': (number + 1) * 1e-4 },
      trialId: trial.id,
      own: true,
      end: { state: 'complete', values: [result?.trained?.loss ?? 0], message: null },
    })),
  };
}

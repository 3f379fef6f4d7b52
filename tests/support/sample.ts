/** A whole experiment with plausible, made-up measurements: a real document, really expanded, results that pass the contract. */

import { type EvaluationResult, type TrialResult, trialResult } from '@lamina/domain/contract/result.ts';
import { type TrialEvent } from '@lamina/domain/contract/trial.ts';
import { CONTRACT_VERSION } from '@lamina/domain/contract/units.ts';
import { expandMatrix } from '@lamina/domain/matrix/expand.ts';
import type { Expansion, PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { ExperimentDocument } from '@lamina/domain/spec/document.ts';
import { parseDocument } from '@lamina/domain/spec/parse.ts';
import { type Precision, precisionFacts } from '@lamina/domain/vocabulary/precisions.ts';

const LAYERS = 18;
const DEVICE = 'AMD EPYC 7B13';
const MODEL = { source: 'gguf', path: '/models/gemma-3-270m.gguf', fingerprint: 'gemma' } as const;
const EMBEDDING_PARAMETERS = 167_772_160;
const LAYER_PARAMETERS = 5_573_667;

/** Inputs of a row of the decoder layers, which share its scale. */
const INPUTS = 640;

/** Storage of one weight of the decoder layers, bits. */
function bitsOf(precision: Precision): number {
  const { bits, rowBits } = precisionFacts(precision);
  return Number((bits + rowBits / INPUTS).toFixed(3));
}

/** What rounding costs; others as much as one of 4 bits. */
const LOSS_OF_PRECISION: Partial<Record<Precision, number>> = {
  fp32: 0,
  tf32: 0,
  bf16: 0.002,
  fp16: 0.003,
  fp8: 0.02,
  int8: 0.012,
  'int8-wo': 0.01,
  'int4-wo': 0.06,
  'int4-hqq': 0.05,
  nf4: 0.048,
  'nf4-dq': 0.055,
  fp4: 0.115,
  'fp4-dq': 0.124,
  gptq: 0.04,
  awq: 0.04,
};
const LOSS_OF_4_BITS = 0.05;
const SPEED_OF_PRECISION: Partial<Record<Precision, number>> = { int8: 0.87, nf4: 0.81, 'nf4-dq': 0.74 };

export interface Sample {
  readonly document: ExperimentDocument;
  readonly expansion: Expansion;
}

/** Depths × precisions × seeds of a small model, trained with LoRA or QLoRA as the precision demands. */
export function sampleExperiment(options: {
  readonly name: string;
  readonly layers?: readonly (number | 'all')[];
  readonly precisions?: readonly Precision[];
  readonly seeds?: readonly number[];
  readonly axes?: Readonly<Record<string, readonly unknown[]>>;
}): Sample {
  const parsed = parseDocument({
    apiVersion: 'lamina/v1',
    name: options.name,
    model: MODEL,
    dataset: { source: 'file', path: '/data/notes.jsonl', format: 'jsonl' },
    matrix: {
      layers: options.layers ?? ['all', 12, 6],
      precision: options.precisions ?? ['bf16', 'int8', 'nf4-dq'],
      method: ['lora', 'qlora'],
      seed: options.seeds ?? [1, 2],
      ...options.axes,
    },
    training: { steps: 40, maxLength: 128 },
    policy: { maxParallel: 2 },
  });
  if (!parsed.ok) throw new Error(`the sample document is wrong: ${JSON.stringify(parsed.issues)}`);
  const expansion = expandMatrix(parsed.document, {
    trainerRevision: 'sample',
    device: { kind: 'cpu', name: DEVICE, computeCapability: null, fast16Bit: false },
    layersOf: () => LAYERS,
    gpus: null,
  });
  return { document: parsed.document, expansion };
}

export function sampleResult(
  planned: PlannedTrial,
  attemptId: string,
  status: TrialResult['status'] = 'succeeded',
): TrialResult {
  const { cell, settings } = planned;
  const noise = noiseOf(planned.id);
  const depth = depthOf(planned);
  const removed = 1 - depth / LAYERS;
  const parameters = EMBEDDING_PARAMETERS + depth * LAYER_PARAMETERS;
  const isQuantized = bitsOf(cell.precision) < 16;
  const quantizedParameters = isQuantized ? depth * LAYER_PARAMETERS : 0;
  const quantizedBytes = Math.round((quantizedParameters * bitsOf(cell.precision)) / 8);
  const weightBytes = isQuantized
    ? EMBEDDING_PARAMETERS * 2 + quantizedBytes
    : Math.round((parameters * bitsOf(cell.precision)) / 8);
  const rawLoss = 3.62 + 7.4 * removed ** 0.8 + (LOSS_OF_PRECISION[cell.precision] ?? LOSS_OF_4_BITS) * 1.6;
  const loss = 3.02 + 1.15 * removed ** 1.3 + (LOSS_OF_PRECISION[cell.precision] ?? LOSS_OF_4_BITS) + noise(0) * 0.018;
  const tokensPerSecond = (880 / (depth + 8)) * (SPEED_OF_PRECISION[cell.precision] ?? 1) * (1 + noise(1) * 0.03);
  const stepTokens = settings.training.maxLength * settings.training.microBatch * settings.training.accumulation;
  const steps = settings.training.steps;
  const diverged = status === 'diverged';
  return trialResult.parse({
    contract: CONTRACT_VERSION,
    trialId: planned.id,
    attemptId,
    status,
    divergedAtStep: diverged ? 17 : null,
    model: {
      architecture: 'Gemma3ForCausalLM',
      layersOriginal: LAYERS,
      layersKept: Array.from({ length: depth }, (_, index) => index),
      parameters,
      trainableParameters: depth * 105_472,
      weightBytes,
      quantizedParameters,
      quantizedBytes,
      bitsPerParameter: (8 * weightBytes) / parameters,
      quantizedBitsPerParameter: isQuantized ? bitsOf(cell.precision) : null,
    },
    computeDtype: 'fp32',
    raw: evaluation(rawLoss),
    trained: diverged ? null : evaluation(loss),
    training: {
      steps: diverged ? 17 : steps,
      tokens: steps * stepTokens,
      samples: steps,
      losses: lossCurve(rawLoss, loss, diverged ? 17 : steps, noise, diverged),
      stepSeconds: Array.from({ length: 4 }, (_, i) => stepTokens / (tokensPerSecond * (1 + noise(20 + i) * 0.05))),
      stepTokens: Array.from({ length: 4 }, () => stepTokens),
      warmupStepSeconds: [(stepTokens / tokensPerSecond) * 1.6],
      tokensPerSecond,
      samplesPerSecond: tokensPerSecond / settings.training.maxLength,
      resumedFromStep: null,
    },
    seconds: {
      imports: null,
      tokenizer: 0.4,
      data: 0.1,
      load: 1.1 + depth * 0.05,
      quantize: isQuantized ? 0.9 + depth * 0.08 : null,
      evaluateRaw: 6.2,
      train: (steps * stepTokens) / tokensPerSecond,
      evaluate: 6.1,
      total: 16 + (steps * stepTokens) / tokensPerSecond,
    },
    memory: {
      peakAllocatedBytes: null,
      peakReservedBytes: null,
      peakProcessBytes: null,
      peakRssBytes: Math.round(1.35e9 + weightBytes * 1.35 + noise(2) * 6e6),
    },
    energyJoules: null,
    environment: {
      device: DEVICE,
      deviceKind: 'cpu',
      driver: null,
      threads: 2,
      python: '3.12.11',
      libraries: { torch: '2.15.0', transformers: '5.24.0' },
      trainerRevision: 'sample',
      datasetFingerprint: 'notes',
      evaluationFingerprint: 'held-out',
      weightsFingerprint: 'gemma',
    },
    artifacts: [],
  });
}

/** What the trainer posts while it runs, up to a step. */
export function sampleEvents(planned: PlannedTrial, upToStep: number): readonly TrialEvent[] {
  const noise = noiseOf(planned.id);
  const steps = planned.settings.training.steps;
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();
  const phases = (['starting', 'loading', 'evaluating-raw', 'training'] as const).map(
    (phase, i): TrialEvent => ({ seq: i + 1, at: at(i), type: 'phase', phase }),
  );
  const curve = lossCurve(6, 3.1, steps, noise, false).slice(0, upToStep);
  return [
    ...phases,
    ...curve.map(
      ({ step, loss }): TrialEvent => ({
        seq: phases.length + step,
        at: at(phases.length + step),
        type: 'step',
        step,
        steps,
        loss,
        learningRate: 2e-4,
        gradNorm: 1.1,
        stepSeconds: 2.9,
        tokensPerSecond: 44,
        memoryBytes: 1_900_000_000,
      }),
    ),
  ];
}

function depthOf({ cell: { layers } }: PlannedTrial): number {
  return 'keep' in layers ? layers.keep : LAYERS;
}

function evaluation(loss: number): EvaluationResult {
  return {
    loss,
    lossStandardError: 0.021,
    perplexity: Math.exp(loss),
    perplexityStandardError: Math.exp(loss) * 0.021,
    accuracy: Math.min(0.9, 0.62 * Math.exp(-loss / 5)),
    tokens: 16_384,
    sequences: 128,
    seconds: 6.1,
    cached: false,
  };
}

function lossCurve(from: number, to: number, steps: number, noise: (i: number) => number, diverged: boolean) {
  return Array.from({ length: steps }, (_, i) => ({
    step: i + 1,
    loss: diverged && i === steps - 1 ? null : to - 0.1 + (from - to) * Math.exp(-i / 6) + noise(40 + i) * 0.12,
  }));
}

/** Repeatable values in −1…1 that depend on the trial's id. */
function noiseOf(id: string): (index: number) => number {
  let seed = 0;
  for (const character of id) seed = (Math.imul(seed, 31) + (character.codePointAt(0) ?? 0)) | 0;
  return (index) => {
    let x = (seed + Math.imul(index + 1, 0x9e3779b1)) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return (((x ^ (x >>> 16)) >>> 0) / 0xffffffff) * 2 - 1;
  };
}

/**
 * The experiment document (`apiVersion: lamina/v1`): its fields, their defaults and what they mean.
 * `docs/experiment.schema.json` and the tables of `docs/experiment.md` are generated from here.
 */

import { z } from 'zod';
import {
  artifactSettings,
  evaluationSettings,
  ggufSettings,
  inferenceSettings,
  loraSettings,
  taskFile,
  taskSettings,
  trainingSettings,
} from '../contract/settings.ts';
import { DOUBLE_QUANTIZED } from '../vocabulary/precisions.ts';
import { MATRIX_DEFAULTS, type Matrix, type PartialCell, quantizationSettings } from './axes.ts';
import { estimateAssumptions } from './estimate.ts';
import { duration, field, shorthand, size } from './input.ts';
import { cellSchema, matrixSchema } from './matrix-schema.ts';
import { datasetInput, modelInput } from './references-input.ts';
import { searchSection } from './search.ts';

const t = trainingSettings.shape;
const training = z.strictObject({
  steps: field(t.steps, 100, 'optimizer steps; epochs are not supported: all cells do the same number of steps'),
  microBatch: field(t.microBatch, 1, 'sequences per forward pass'),
  accumulation: field(t.accumulation, 1, 'forward passes per optimizer step'),
  maxLength: field(t.maxLength, 512, 'tokens per sequence'),
  packing: field(
    t.packing,
    true,
    'true: full blocks of maxLength tokens, in which a record sees those before it; false: one record a sequence',
  ),
  learningRate: field(t.learningRate, 2e-4, 'learning rate after warm-up'),
  schedule: field(t.schedule, 'linear', 'how the learning rate changes after warm-up'),
  warmupSteps: field(t.warmupSteps, 0, 'steps over which the learning rate rises from zero'),
  optimizer: field(t.optimizer, 'adamw', 'optimizer, and how its state is stored'),
  weightDecay: field(t.weightDecay, 0, 'decoupled weight decay'),
  adamBeta1: field(t.adamBeta1, 0.9, 'decay of the first moment'),
  adamBeta2: field(t.adamBeta2, 0.999, 'decay of the second moment'),
  adamEpsilon: field(t.adamEpsilon, 1e-8, 'added to the denominator of the update'),
  maxGradNorm: field(t.maxGradNorm, 1, 'gradient norm that is clipped to; null: no clipping'),
  mixedPrecision: field(t.mixedPrecision, 'none', 'autocast during training'),
  masterWeights: field(
    t.masterWeights.unwrap(),
    'fp32',
    'full training in 16 bits: fp32 weights that updates are added to; none: updates below a rounding step of the weight are lost',
  ),
  checkpointing: field(t.checkpointing, false, 'activation checkpointing: less memory, more time'),
  checkpointEvery: field(
    t.checkpointEvery,
    null,
    'steps between saved checkpoints; null: saved only when the attempt is asked to stop',
  ),
  logEvery: field(t.logEvery, 1, 'steps between reported losses'),
  warmupMeasurements: field(t.warmupMeasurements, 2, 'first steps, left out of the speed measurement'),
});

const l = loraSettings.shape;
export const lora = z.strictObject({
  r: field(l.r, 16, 'rank'),
  alpha: field(l.alpha, 32, 'scale: the adapters count alpha / r'),
  dropout: field(l.dropout, 0, 'dropout before the adapters'),
  bias: field(l.bias, 'none', 'which biases are trained'),
  targets: field(l.targets, 'all-linear', 'modules that get adapters: all-linear, or names such as q_proj'),
  rslora: field(l.rslora, false, 'scale by alpha / √r instead'),
});

const q = quantizationSettings.shape;
const quantization = z.strictObject({
  computeDtype: field(
    q.computeDtype,
    'auto',
    'what weights are multiplied in; auto: bf16 where the device multiplies it fast, else fp32',
  ),
  doubleQuant: field(
    q.doubleQuant,
    null,
    `true: ${[...DOUBLE_QUANTIZED.keys()].join(' and ')} mean ${[...DOUBLE_QUANTIZED.values()].join(' and ')}; false: there is no double quantization; null: as each precision says`,
  ),
});

const i = inferenceSettings.shape;
const inference = z.strictObject({
  batchSizes: field(i.batchSizes, [1], 'sequences generated at once, each measured by itself'),
  promptTokens: field(i.promptTokens, 128, 'tokens of each prompt'),
  newTokens: field(i.newTokens, 32, 'tokens generated after the first one'),
  repetitions: field(i.repetitions, 5, 'measured repetitions of each batch size'),
  warmup: field(i.warmup, 1, 'repetitions before them that are not measured'),
});

const g = ggufSettings.shape;
const gguf = z.strictObject({
  types: field(
    g.types,
    ['f16', 'q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q4_0', 'q2_k'],
    'files that are made of the trained model, and measured',
  ),
  repetitions: field(g.repetitions, 5, 'measured repetitions of each speed'),
  promptTokens: field(g.promptTokens, 512, 'tokens of the prompt that is timed'),
  generatedTokens: field(g.generatedTokens, 128, 'tokens of the generation that is timed'),
  contextTokens: field(g.contextTokens, 512, 'tokens of a scored chunk, whose second half counts'),
  maxTokens: field(
    g.maxTokens,
    4096,
    'held-out tokens that are scored; one byte per token and vocabulary entry is on disk meanwhile',
  ),
});

const k = taskSettings.shape;
const taskFiles = z.strictObject({
  files: z
    .array(
      shorthand(taskFile, (input) => (typeof input === 'string' ? { path: input } : input), {
        name: 'a task file',
        fix: 'write a path such as "./tasks/quiz.yaml"',
        accepts: [{ type: 'string', minLength: 1 }],
      }),
    )
    .min(1)
    .describe('task files of lm-evaluation-harness'),
  maxSamples: field(k.maxSamples, null, 'questions of each task; null: all'),
  fewShot: field(k.fewShot, null, 'answered examples in front of a question; null: as the task says'),
  batchSize: field(k.batchSize, 1, 'answers scored at once'),
});
const tasks = shorthand(taskFiles, (input) => (Array.isArray(input) ? { files: input } : input), {
  name: 'a list of task files',
  fix: 'write a list such as ["./tasks/quiz.yaml"], or files with their limits',
  accepts: [{ type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }],
});

const e = evaluationSettings.shape;
const evaluation = z.strictObject({
  fraction: field(e.fraction, 0.1, 'share of records held out, the same for all cells'),
  maxTokens: field(e.maxTokens, 16_384, 'held-out tokens that are scored, the same for all cells'),
  microBatch: field(e.microBatch, 1, 'sequences per forward pass'),
  beforeTraining: field(e.beforeTraining, true, 'also score the model as cut, before training'),
  inference: field(
    inference.nullable(),
    null,
    'measure how fast the trained model generates, with the adapter apart and merged; null: not measured',
  ),
  gguf: field(
    gguf.nullable(),
    null,
    'make GGUF files of the trained model, and measure them with llama.cpp; null: none are made',
  ),
  tasks: field(
    tasks.nullable(),
    null,
    'score local tasks of lm-evaluation-harness, as a list of files or with limits; null: none are scored',
  ),
});

const a = artifactSettings.shape;
const artifacts = z.strictObject({
  adapter: field(a.adapter, false, 'keep the trained adapter, with the checksum of the base it belongs to'),
  merged: field(a.merged, false, 'keep the trained model with the adapter merged into its weights'),
});

const resources = z.strictObject({
  gpus: field(
    z.int().min(0).max(64).nullable(),
    null,
    'GPUs per trial; null: one, more for full training that fits no single one, none on a machine without',
  ),
  gpuClass: field(
    z.string().min(1).nullable(),
    null,
    'class of GPU (`lamina gpus`); null: the smallest that a cell fits, where its model is known',
  ),
  memory: field(size().nullable(), null, 'host memory that a trial requests; null: not limited'),
  maxMemory: field(
    size().nullable(),
    null,
    'what the request may be raised to after host memory ran out; null: four times `memory`',
  ),
  pricePerHour: field(
    z.number().min(0).nullable(),
    null,
    "price of an hour of a trial's machine, in any currency; null: no costs are computed",
  ),
});

const backoff = z.strictObject({
  initial: field(duration({ zero: true }), 10, 'wait before the first retry, seconds'),
  factor: field(z.number().min(1).max(100), 2, 'growth of the wait from retry to retry'),
  max: field(duration({ zero: true }), 600, 'longest wait, seconds'),
});
const policy = z.strictObject({
  maxParallel: field(
    z.int().min(1).max(10_000).nullable(),
    null,
    'attempts alive at once; null: as many as the GPUs of this machine can take, one in a cluster or without a GPU',
  ),
  attempts: field(z.int().min(1).max(100), 3, 'attempts per trial that failures of its own may use up'),
  maxAttempts: field(z.int().min(1).max(1000), 20, 'attempts per trial for any reason'),
  trialDeadline: field(duration().nullable(), null, 'longest time of one attempt, seconds; null: none'),
  startDeadline: field(
    duration(),
    1800,
    'longest wait to start (a node, an image, a quota, a permission), but not in a queue of the cluster, seconds',
  ),
  stall: field(duration(), 600, 'silence after which an attempt counts as stalled, seconds'),
  grace: field(duration({ zero: true }), 60, 'time between asking an attempt to stop and killing it, seconds'),
  backoff: backoff.prefault({}).describe('wait between attempts after a crash'),
  memoryRisk: field(
    z.number().min(0.001).max(0.5),
    0.05,
    'probability of running out of GPU memory that a planned cell may have, from how far estimates were off',
  ),
});

const objective = z.strictObject({
  metric: field(z.enum(['loss', 'perplexity', 'accuracy']), 'loss', 'what the best cell is best in'),
  maxMemory: field(size().nullable(), null, 'peak memory that a cell may need; null: any'),
  maxCost: field(z.number().positive().nullable(), null, 'cost that one trial of a cell may have; null: any'),
});

export const experimentDocument = z.strictObject({
  apiVersion: z.literal('lamina/v1').describe('version of this format'),
  kind: field(z.literal('Experiment'), 'Experiment', 'kind of document'),
  name: z.string().trim().min(1).max(100).describe('what people call the experiment'),
  description: field(z.string().max(10_000), '', 'what it is to find out'),
  labels: field(z.record(z.string().max(63), z.string().max(200)), {}, 'for finding it again; no effect on results'),
  model: field(modelInput.nullable(), null, 'the model; left out where matrix.model lists several'),
  dataset: datasetInput.describe('text to train on and to hold out'),
  matrix: field(
    z.custom<Matrix>().meta(matrixSchema),
    { ...MATRIX_DEFAULTS, include: [], exclude: [] } as Matrix,
    'the axes, every combination of which is a cell, and the seeds of each cell',
  ),
  training: training.prefault({}).describe('training settings of every cell, where no axis says otherwise'),
  lora: field(lora.nullable(), null, 'adapter settings; null where no method has adapters'),
  quantization: quantization.prefault({}).describe('how k-bit weights are made, and what weights are multiplied in'),
  evaluation: evaluation.prefault({}).describe('how cells are scored'),
  artifacts: artifacts.prefault({}).describe('what is kept of a trained model besides its figures'),
  resources: resources.prefault({}).describe('what a trial runs on'),
  policy: policy.prefault({}).describe('parallelism, retries and deadlines'),
  baseline: field(
    z.custom<PartialCell>().meta(cellSchema),
    {},
    'the cell that others are compared with: the first that has these values; {}: the first of the matrix',
  ),
  objective: objective.prefault({}).describe('what the recommendation looks for, and within which limits'),
  search: field(
    searchSection.nullable(),
    null,
    'settings that are searched: further trials try values that earlier ones suggest; null: no search',
  ),
  estimate: estimateAssumptions.prefault({}).describe('what memory estimates assume besides the settings'),
});

/** A document with every default filled in. Parsing it again gives the same document. */
export type ExperimentDocument = z.infer<typeof experimentDocument>;

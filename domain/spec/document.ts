/**
 * The experiment document (`apiVersion: lamina/v1`): its fields, their defaults and what they mean.
 * `docs/experiment.md` and `docs/experiment.schema.json` are generated from here.
 */
import { z } from 'zod';
import { datasetRef, evaluationSettings, loraSettings, trainingSettings } from '../contract/trial.ts';
import { matrix, modelInput, partialCell } from './axes.ts';
import { duration, size } from './input.ts';
import { COMPUTE_DTYPES } from './vocabulary.ts';

const t = trainingSettings.shape;
const training = z.strictObject({
  steps: t.steps.default(100).describe('optimizer steps (epochs are not supported: cells must do equal work)'),
  microBatch: t.microBatch.default(1).describe('sequences per forward pass'),
  accumulation: t.accumulation.default(1).describe('forward passes per optimizer step'),
  maxLength: t.maxLength.default(512).describe('tokens per sequence'),
  packing: t.packing.default(true).describe('true: full blocks of maxLength tokens; false: one record a sequence'),
  learningRate: t.learningRate.default(2e-4).describe('peak learning rate'),
  schedule: t.schedule.default('linear').describe('how the learning rate falls after warm-up'),
  warmupSteps: t.warmupSteps.default(0).describe('steps over which the learning rate rises'),
  optimizer: t.optimizer.default('adamw').describe('optimizer and how its state is stored'),
  weightDecay: t.weightDecay.default(0).describe('decoupled weight decay'),
  adamBeta1: t.adamBeta1.default(0.9).describe('decay of the first moment'),
  adamBeta2: t.adamBeta2.default(0.999).describe('decay of the second moment'),
  adamEpsilon: t.adamEpsilon.default(1e-8).describe('added to the denominator'),
  maxGradNorm: t.maxGradNorm.default(1).describe('gradient norm to clip to; null: no clipping'),
  mixedPrecision: t.mixedPrecision.default('none').describe('autocast during training'),
  checkpointing: t.checkpointing.default(false).describe('activation checkpointing: less memory, more time'),
  checkpointEvery: t.checkpointEvery
    .default(null)
    .describe('steps between saved checkpoints; null: saved only when the attempt is asked to stop'),
  logEvery: t.logEvery.default(1).describe('steps between reported losses'),
  warmupMeasurements: t.warmupMeasurements.default(2).describe('first steps left out of the speed measurement'),
});

const l = loraSettings.shape;
const lora = z.strictObject({
  r: l.r.default(16).describe('rank'),
  alpha: l.alpha.default(32).describe('scale: adapters count alpha / r'),
  dropout: l.dropout.default(0).describe('dropout before the adapters'),
  bias: l.bias.default('none').describe('which biases are trained'),
  targets: l.targets.default('all-linear').describe('modules that get adapters: all-linear, or names such as q_proj'),
  rslora: l.rslora.default(false).describe('scale by alpha / √r instead'),
});

export const quantization = z.strictObject({
  computeDtype: z
    .enum(COMPUTE_DTYPES)
    .default('auto')
    .describe('what weights are multiplied in; auto: bf16 where the device multiplies it fast, else fp32'),
  doubleQuant: z
    .boolean()
    .nullable()
    .default(null)
    .describe('true: nf4 and fp4 mean nf4-dq and fp4-dq; false: they stay as they are; null: as each precision says'),
});

const e = evaluationSettings.shape;
const evaluation = z.strictObject({
  fraction: e.fraction.default(0.1).describe('share of records held out, the same for all cells'),
  maxTokens: e.maxTokens.default(16_384).describe('held-out tokens that are scored, the same for all cells'),
  microBatch: e.microBatch.default(1).describe('sequences per forward pass'),
  beforeTraining: e.beforeTraining.default(true).describe('also evaluate the model as cut, before training'),
});

const resources = z.strictObject({
  gpus: z
    .int()
    .min(0)
    .max(64)
    .nullable()
    .default(null)
    .describe('GPUs per trial; null: one, or none where the machine has none'),
  gpuClass: z.string().min(1).nullable().default(null).describe('class of GPU nodes; null: any'),
  memory: size().nullable().default(null).describe('host memory requested per trial; null: not limited'),
  maxMemory: size()
    .nullable()
    .default(null)
    .describe('bound that the request may be raised to after a trial ran out of host memory; null: not raised'),
  pricePerHour: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe("price of one hour of a trial's machine, in any currency; null: costs are not computed"),
});

const policy = z.strictObject({
  maxParallel: z.int().min(1).max(10_000).default(1).describe('attempts alive at once'),
  attempts: z.int().min(1).max(100).default(3).describe('attempts that failures of its own may use up, per trial'),
  maxAttempts: z.int().min(1).max(1000).default(20).describe('attempts for whatever reason, per trial'),
  trialDeadline: duration().nullable().default(null).describe('longest time of one attempt; null: none'),
  startDeadline: duration().default(1800).describe('longest wait for a node, an image or a free GPU'),
  stall: duration().default(600).describe('silence after which an attempt counts as stalled'),
  grace: duration({ positive: false }).default(60).describe('time between asking an attempt to stop and killing it'),
  backoff: z
    .strictObject({
      initial: duration({ positive: false }).default(10).describe('wait before the first retry'),
      factor: z.number().min(1).max(100).default(2).describe('growth of the wait from retry to retry'),
      max: duration({ positive: false }).default(600).describe('longest wait'),
    })
    .prefault({})
    .describe('wait between attempts after a crash'),
});

const objective = z.strictObject({
  metric: z.enum(['loss', 'perplexity', 'accuracy']).default('loss').describe('what the best cell is best in'),
  maxMemory: size().nullable().default(null).describe('peak memory that a cell may need; null: any'),
  maxCost: z.number().positive().nullable().default(null).describe('cost that one trial may have; null: any'),
});

export const experimentDocument = z.strictObject({
  apiVersion: z.literal('lamina/v1').describe('version of this format'),
  kind: z.literal('Experiment').default('Experiment').describe('kind of document'),
  name: z.string().trim().min(1).max(100).describe('what people call the experiment'),
  description: z.string().max(10_000).default('').describe('what it is to find out'),
  labels: z.record(z.string().max(63), z.string().max(200)).default({}).describe('for filtering; no effect on results'),
  model: modelInput.nullable().default(null).describe('the model; not given where matrix.model lists several'),
  dataset: datasetRef.describe('training and held-out text'),
  matrix: matrix.describe('the axes whose every combination is a cell, and the seeds of each cell'),
  training: training.prefault({}).describe('training settings of every cell, unless an axis says otherwise'),
  lora: lora.nullable().default(null).describe('adapter settings, where the method is lora or qlora'),
  quantization: quantization.prefault({}).describe('how k-bit weights are made and multiplied'),
  evaluation: evaluation.prefault({}).describe('how cells are scored'),
  resources: resources.prefault({}).describe('what a trial runs on'),
  policy: policy.prefault({}).describe('parallelism, retries and deadlines'),
  baseline: partialCell
    .default({})
    .describe('the cell that others are compared with: the first that matches; {}: the first of the matrix'),
  objective: objective.prefault({}).describe('what the recommendation optimises, and within which limits'),
});

/** A document with every default filled in. Parsing it again gives the same document. */
export type ExperimentDocument = z.infer<typeof experimentDocument>;
export { lora as loraSection };

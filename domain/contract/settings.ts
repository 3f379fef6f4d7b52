/** What a trial measures: everything that can change its numbers. zod is the source, as in `trial.ts`. */
import { z } from 'zod';
import { METHODS } from '../vocabulary/methods.ts';
import { PRECISIONS } from '../vocabulary/precisions.ts';
import { COMPUTE_DTYPES, LR_SCHEDULES, OPTIMIZERS } from '../vocabulary/training.ts';

export const modelRef = z.discriminatedUnion('source', [
  z.strictObject({
    source: z.literal('hf'),
    id: z.string().min(1),
    revision: z.string().min(1).default('main'),
  }),
  z.strictObject({
    source: z.literal('path'),
    path: z.string().min(1),
    /** SHA-256 over the folder's configuration and weight index, filled in at submission. */
    fingerprint: z.string().nullable().default(null),
  }),
  z.strictObject({
    source: z.literal('gguf'),
    path: z.string().min(1),
    fingerprint: z.string().nullable().default(null),
  }),
]);
export type ModelRef = z.infer<typeof modelRef>;

/** Which decoder layers are kept, always in their original order. */
export const layerChoice = z.discriminatedUnion('strategy', [
  z.strictObject({ strategy: z.literal('all') }),
  z.strictObject({ strategy: z.literal('first'), keep: z.number().int().min(1) }),
  z.strictObject({ strategy: z.literal('drop-last'), drop: z.number().int().min(1) }),
  z.strictObject({ strategy: z.literal('even'), keep: z.number().int().min(1) }),
  z.strictObject({ strategy: z.literal('angular'), keep: z.number().int().min(1) }),
  z.strictObject({ strategy: z.literal('list'), indices: z.array(z.number().int().min(0)).min(1) }),
]);
export type LayerChoice = z.infer<typeof layerChoice>;

/** How a record becomes text: one field, or a prompt field and a completion field (loss on both). */
export const textFields = z.union([
  z.strictObject({ text: z.string().min(1) }),
  z.strictObject({ prompt: z.string().min(1), completion: z.string().min(1) }),
]);

export const datasetRef = z.discriminatedUnion('source', [
  z.strictObject({
    source: z.literal('file'),
    path: z.string().min(1),
    format: z.enum(['jsonl', 'text']),
    fields: textFields.default({ text: 'text' }),
    fingerprint: z.string().nullable().default(null),
  }),
  z.strictObject({
    source: z.literal('hf'),
    id: z.string().min(1),
    config: z.string().nullable().default(null),
    revision: z.string().min(1).default('main'),
    split: z.string().min(1).default('train'),
    fields: textFields.default({ text: 'text' }),
  }),
]);
export type DatasetRef = z.infer<typeof datasetRef>;

export const trainingSettings = z.strictObject({
  steps: z.number().int().min(1).describe('optimizer steps'),
  microBatch: z.number().int().min(1).describe('sequences per forward pass'),
  accumulation: z.number().int().min(1).describe('forward passes per optimizer step'),
  maxLength: z.number().int().min(2).describe('tokens per sequence'),
  packing: z.boolean().describe('true: token blocks of maxLength without padding; false: one record a sequence'),
  learningRate: z.number().positive(),
  schedule: z.enum(LR_SCHEDULES),
  warmupSteps: z.number().int().min(0),
  optimizer: z.enum(OPTIMIZERS),
  weightDecay: z.number().min(0),
  adamBeta1: z.number().min(0).lt(1),
  adamBeta2: z.number().min(0).lt(1),
  adamEpsilon: z.number().positive(),
  maxGradNorm: z.number().positive().nullable(),
  mixedPrecision: z.enum(['none', 'bf16', 'fp16']).describe('autocast during training'),
  checkpointing: z.boolean().describe('activation checkpointing'),
  checkpointEvery: z
    .number()
    .int()
    .min(1)
    .nullable()
    .describe('optimizer steps between saved checkpoints; null: only on SIGTERM'),
  logEvery: z.number().int().min(1),
  warmupMeasurements: z.number().int().min(0).describe('first steps left out of the speed measurement'),
});

export const loraSettings = z.strictObject({
  r: z.number().int().min(1),
  alpha: z.number().positive(),
  dropout: z.number().min(0).lt(1),
  bias: z.enum(['none', 'all', 'lora_only']),
  targets: z.union([z.literal('all-linear'), z.array(z.string().min(1)).min(1)]),
  rslora: z.boolean(),
});

export const scoringSettings = z.strictObject({
  fraction: z
    .number()
    .gt(0)
    .lt(1)
    .describe('share of records held out, chosen by content hash, the same for all cells'),
  maxTokens: z.number().int().min(2).describe('held-out tokens that are scored, the same for all cells'),
  microBatch: z.number().int().min(1),
  beforeTraining: z.boolean().describe('also evaluate the model as cut'),
});

export const inferenceSettings = z.strictObject({
  batchSizes: z.array(z.number().int().min(1)).min(1).describe('sequences generated at once, each measured by itself'),
  promptTokens: z.number().int().min(1).describe('tokens of each prompt'),
  newTokens: z.number().int().min(1).describe('tokens generated after the first one'),
  repetitions: z.number().int().min(1).describe('measured repetitions of each batch size'),
  warmup: z.number().int().min(0).describe('repetitions before them that are not measured'),
});

export const GGUF_TYPES = ['f16', 'bf16', 'q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q4_0', 'q2_k'] as const;

export const ggufSettings = z.strictObject({
  types: z.array(z.enum(GGUF_TYPES)).min(1).describe('files that are made of the trained model, and measured'),
  repetitions: z.number().int().min(1).describe('measured repetitions of each speed'),
  promptTokens: z.number().int().min(1).describe('tokens of the prompt that is timed'),
  generatedTokens: z.number().int().min(1).describe('tokens of the generation that is timed'),
  contextTokens: z.number().int().min(32).describe('tokens of a scored chunk; its second half counts'),
  maxTokens: z
    .number()
    .int()
    .min(64)
    .describe('held-out tokens that are scored; one byte per token and vocabulary entry is on disk meanwhile'),
});

/** A task file of lm-evaluation-harness on this machine, with the files of data that it names. */
export const taskFile = z.strictObject({
  path: z.string().min(1),
  fingerprint: z.string().nullable().default(null),
  data: z
    .array(z.strictObject({ name: z.string().min(1), path: z.string().min(1), fingerprint: z.string() }))
    .default([])
    .describe('by the name that the task file has for it; filled in at submission'),
});
export type TaskFile = z.infer<typeof taskFile>;

export const taskSettings = z.strictObject({
  files: z.array(taskFile).min(1),
  maxSamples: z.number().int().min(1).nullable().describe('questions of each task; null: all'),
  fewShot: z.number().int().min(0).nullable().describe('answered examples in front; null: as the task says'),
  batchSize: z.number().int().min(1).describe('answers scored at once'),
});
export type TaskSettings = z.infer<typeof taskSettings>;

export const evaluationSettings = scoringSettings.extend({
  inference: inferenceSettings.nullable().default(null).describe('null: speed of inference is not measured'),
  gguf: ggufSettings.nullable().default(null).describe('null: no GGUF files are made'),
  tasks: taskSettings.nullable().default(null).describe('null: no tasks are scored'),
});

export const artifactSettings = z.strictObject({
  adapter: z.boolean().describe('keep the trained adapter, with the checksum of the base it belongs to'),
  merged: z.boolean().describe('keep the trained model as a plain one: the adapter is added to the weights'),
});

/** Everything that can change a trial's numbers; its hash (with the trainer's revision) is the trial id. */
export const trialSettings = z.strictObject({
  model: modelRef,
  layers: layerChoice,
  precision: z.enum(PRECISIONS),
  computeDtype: z.enum(COMPUTE_DTYPES),
  method: z.enum(METHODS),
  dataset: datasetRef,
  training: trainingSettings,
  lora: loraSettings.nullable().describe('null where the method has no adapters'),
  evaluation: evaluationSettings,
  artifacts: artifactSettings.default({ adapter: false, merged: false }),
  seed: z.number().int().min(0),
  gpuClass: z.string().nullable(),
  gpus: z.number().int().min(0),
});
export type TrialSettings = z.infer<typeof trialSettings>;

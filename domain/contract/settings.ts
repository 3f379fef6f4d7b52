/** What a trial measures: everything that can change its numbers. zod is the source, as in `trial.ts`. */
import { z } from 'zod';
import { count, nonNegative, positive, positiveNumber, text } from './units.ts';
import { computeDtype, lrSchedule, method, optimizer, precision } from './vocabulary.ts';

const fingerprint = z.string().nullable().default(null);

export const hfModel = z
  .strictObject({ source: z.literal('hf'), id: text, revision: text.default('main') })
  .describe('A model of the Hugging Face hub.');
export const pathModel = z
  .strictObject({
    source: z.literal('path'),
    path: text,
    fingerprint: fingerprint.describe(
      '`files:` and the SHA-256 over names and content of configuration, tokenizer, templates and weights; filled in at submission',
    ),
  })
  .describe('A model folder on this machine.');
export const ggufModel = z
  .strictObject({ source: z.literal('gguf'), path: text, fingerprint })
  .describe('A GGUF file on this machine.');
export const modelRef = z.discriminatedUnion('source', [hfModel, pathModel, ggufModel]);
export type ModelRef = z.infer<typeof modelRef>;

export const allLayers = z.strictObject({ strategy: z.literal('all') }).describe('Keep every layer.');
export const firstLayers = z
  .strictObject({ strategy: z.literal('first'), keep: positive })
  .describe('Keep the first `keep` layers.');
export const dropLastLayers = z
  .strictObject({ strategy: z.literal('drop-last'), drop: positive })
  .describe('Drop the last `drop` layers.');
export const evenLayers = z
  .strictObject({ strategy: z.literal('even'), keep: positive })
  .describe('Keep `keep` evenly spaced layers.');
export const angularLayers = z
  .strictObject({ strategy: z.literal('angular'), keep: positive })
  .describe('Keep `keep` layers, dropping the block whose input and output are closest.');
export const listedLayers = z
  .strictObject({ strategy: z.literal('list'), indices: z.array(count).min(1) })
  .describe('Keep the layers with these indices.');
/** Which decoder layers are kept, always in their original order. */
export const layerChoice = z.discriminatedUnion('strategy', [
  allLayers,
  firstLayers,
  dropLastLayers,
  evenLayers,
  angularLayers,
  listedLayers,
]);
export type LayerChoice = z.infer<typeof layerChoice>;

export const textField = z.strictObject({ text }).describe('A record is one text.');
export const promptFields = z
  .strictObject({ prompt: text, completion: text })
  .describe('A record is a prompt, directly followed by its completion.');
export const messageFields = z
  .strictObject({
    messages: text,
    tools: text
      .nullable()
      .default('tools')
      .describe('column of the tools that a template describes, in records that have one'),
  })
  .describe('A record is a conversation: {role, content} as of OpenAI, or {from, value} as of ShareGPT.');
/** How a record becomes text without a model. */
export const textFields = z.union([textField, promptFields]);
/** The shape of records, and their columns. */
export const recordFields = z.union([textField, promptFields, messageFields]);
export type RecordFields = z.infer<typeof recordFields>;

/** What a record becomes: its columns, its rendering, and the tokens that count. Null: as the shape has it. */
const reading = {
  fields: recordFields.nullable().default({ text: 'text' }).describe('null: as the columns of the first record say'),
  loss: z
    .enum(['all', 'answers'])
    .nullable()
    .default(null)
    .describe('which tokens count, in training and held out; null: answers for messages, all for the others'),
  chatTemplate: text.nullable().default(null).describe("Jinja template of messages; null: the tokenizer's"),
  specialTokens: z
    .enum(['tokens', 'text'])
    .nullable()
    .default(null)
    .describe(
      'what special tokens become that are written out in a record; null: text in messages, tokens in the others',
    ),
};

export const DATA_FORMATS = ['jsonl', 'json', 'csv', 'tsv', 'parquet', 'arrow', 'text'] as const;
export const dataFormat = z.enum(DATA_FORMATS);
export type DataFormat = z.infer<typeof dataFormat>;

const onBadRecord = z
  .enum(['fail', 'skip'])
  .default('fail')
  .describe('what a record that cannot be used leads to: an error, or that it is left out and counted');

export const groupEvaluation = z
  .strictObject({ group: text })
  .describe('Records with the same value in this column are on the same side.');
export const fileEvaluation = z
  .strictObject({ path: text, format: dataFormat.nullable().default(null), fingerprint })
  .describe('A file of its own, scored in place of a share of the records; what it holds is not trained on.');
export type FileEvaluation = z.infer<typeof fileEvaluation>;
export const splitEvaluation = z
  .strictObject({ split: text })
  .describe('A split of its own, scored in place of a share of the records; what it holds is not trained on.');

export const fileDataset = z
  .strictObject({
    source: z.literal('file'),
    path: text.describe('a file, a folder of shards, or a pattern such as data/*.jsonl'),
    format: dataFormat.nullable().default(null).describe("null: by the files' names, or their first bytes"),
    ...reading,
    onBadRecord,
    evaluation: z.union([fileEvaluation, groupEvaluation]).nullable().default(null).describe('null: by content'),
    fingerprint,
  })
  .describe('Records of files; compressed ones (gzip, zstd, bzip2, xz) are read as they are.');
export const hfDataset = z
  .strictObject({
    source: z.literal('hf'),
    id: text,
    config: z.string().nullable().default(null),
    revision: text.default('main'),
    split: text.default('train').describe('a split, or a part of one such as train[:1000]'),
    ...reading,
    onBadRecord,
    evaluation: z.union([splitEvaluation, groupEvaluation]).nullable().default(null).describe('null: by content'),
  })
  .describe('A dataset of the Hugging Face hub.');
export const datasetRef = z.discriminatedUnion('source', [fileDataset, hfDataset]);
export type DatasetRef = z.infer<typeof datasetRef>;

export const trainingSettings = z
  .strictObject({
    steps: positive.describe('optimizer steps'),
    microBatch: positive.describe('sequences per forward pass'),
    accumulation: positive.describe('forward passes per optimizer step'),
    maxLength: z.number().int().min(2).describe('tokens per sequence'),
    packing: z.boolean().describe('true: token blocks of maxLength without padding; false: one record a sequence'),
    learningRate: positiveNumber,
    schedule: lrSchedule,
    warmupSteps: count,
    optimizer,
    weightDecay: nonNegative,
    adamBeta1: z.number().min(0).lt(1),
    adamBeta2: z.number().min(0).lt(1),
    adamEpsilon: positiveNumber,
    maxGradNorm: positiveNumber.nullable(),
    mixedPrecision: z.enum(['none', 'bf16', 'fp16']).describe('autocast during training'),
    masterWeights: z
      .enum(['none', 'fp32'])
      .default('none')
      .describe(
        'full training in 16 bits: fp32 weights that updates are added to, so that small ones are not rounded away',
      ),
    checkpointing: z.boolean().describe('activation checkpointing'),
    checkpointEvery: positive.nullable().describe('optimizer steps between saved checkpoints; null: only on SIGTERM'),
    logEvery: positive,
    warmupMeasurements: count.describe('first steps left out of the speed measurement'),
  })
  .describe('How the model is trained; lengths in tokens, steps are optimizer steps.');

export const loraSettings = z
  .strictObject({
    r: positive,
    alpha: positiveNumber,
    dropout: z.number().min(0).lt(1),
    bias: z.enum(['none', 'all', 'lora_only']),
    targets: z.union([z.literal('all-linear'), z.array(text).min(1)]),
    rslora: z.boolean(),
  })
  .describe('Adapters.');

export const scoringSettings = z
  .strictObject({
    fraction: z
      .number()
      .gt(0)
      .lt(1)
      .describe('share of records held out, chosen by content hash, the same for all cells'),
    maxTokens: z.number().int().min(2).describe('held-out tokens that are scored, the same for all cells'),
    microBatch: positive,
    beforeTraining: z.boolean().describe('also evaluate the model as cut'),
  })
  .describe('What is held out.');

export const inferenceSettings = z
  .strictObject({
    batchSizes: z.array(positive).min(1).describe('sequences generated at once, each measured by itself'),
    promptTokens: positive.describe('tokens of each prompt'),
    newTokens: positive.describe('tokens generated after the first one'),
    repetitions: positive.describe('measured repetitions of each batch size'),
    warmup: count.describe('repetitions before them that are not measured'),
  })
  .describe('How the speed of inference is measured.');

export const GGUF_TYPES = ['f16', 'bf16', 'q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q4_0', 'q2_k'] as const;
export const ggufType = z.enum(GGUF_TYPES);

export const ggufSettings = z
  .strictObject({
    types: z.array(ggufType).min(1).describe('files that are made of the trained model, and measured'),
    repetitions: positive.describe('measured repetitions of each speed'),
    promptTokens: positive.describe('tokens of the prompt that is timed'),
    generatedTokens: positive.describe('tokens of the generation that is timed'),
    contextTokens: z.number().int().min(32).describe('tokens of a scored chunk; its second half counts'),
    maxTokens: z
      .number()
      .int()
      .min(64)
      .describe('held-out tokens that are scored; one byte per token and vocabulary entry is on disk meanwhile'),
  })
  .describe('Which GGUF files are made of the trained model, and how they are measured.');

export const taskData = z
  .strictObject({ name: text, path: text, fingerprint: z.string() })
  .describe('A file of data, by the name that a task file has for it.');
export const taskFile = z
  .strictObject({
    path: text,
    fingerprint,
    data: z.array(taskData).default([]).describe('by the name that the task file has for it; filled in at submission'),
  })
  .describe('A task file of lm-evaluation-harness on this machine, with the files of data that it names.');
export type TaskFile = z.infer<typeof taskFile>;

export const taskSettings = z
  .strictObject({
    files: z.array(taskFile).min(1),
    maxSamples: positive.nullable().describe('questions of each task; null: all'),
    fewShot: count.nullable().describe('answered examples in front; null: as the task says'),
    batchSize: positive.describe('answers scored at once'),
  })
  .describe('Which tasks are scored, and how.');
export type TaskSettings = z.infer<typeof taskSettings>;

export const evaluationSettings = scoringSettings
  .extend({
    inference: inferenceSettings.nullable().default(null).describe('null: speed of inference is not measured'),
    gguf: ggufSettings.nullable().default(null).describe('null: no GGUF files are made'),
    tasks: taskSettings.nullable().default(null).describe('null: no tasks are scored'),
  })
  .describe('What is held out and how it is scored.');

export const artifactSettings = z
  .strictObject({
    adapter: z.boolean().describe('keep the trained adapter, with the checksum of the base it belongs to'),
    merged: z.boolean().describe('keep the trained model as a plain one: the adapter is added to the weights'),
  })
  .describe('What is kept of the trained model.');

export const trialSettings = z
  .strictObject({
    model: modelRef,
    layers: layerChoice,
    precision,
    computeDtype,
    method,
    dataset: datasetRef,
    training: trainingSettings,
    lora: loraSettings.nullable().describe('null where the method has no adapters'),
    evaluation: evaluationSettings,
    artifacts: artifactSettings.default({ adapter: false, merged: false }),
    seed: count,
    gpuClass: z.string().nullable(),
    gpus: count,
  })
  .describe("Everything that can change a trial's numbers; its hash, with the trainer's revision, is the trial id.");
export type TrialSettings = z.infer<typeof trialSettings>;

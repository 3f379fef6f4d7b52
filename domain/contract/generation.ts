/**
 * Generated data: what is to be written by a model (`generationSpec`, as `dataset.source: generated` in a document),
 * what an attempt is asked to do (`generateRequest`, beside `trialRequest`), and what it leaves behind.
 */
import { z } from 'zod';
import { textFields } from './settings.ts';
import { plan } from './trial.ts';
import { bytes, CONTRACT_VERSION } from './units.ts';

/** The pseudo-trial that stands for an experiment's dataset: its attempts, logs and folders are those of this id. */
export const DATASET_TRIAL = 'dataset';

/** The variable that holds an endpoint's key where it comes from a Secret. */
export const API_KEY_VARIABLE = 'LAMINA_API_KEY';

const text = z.string().min(1);
const share = z.number().min(0).max(1);
const count = z.int().min(0);
const fingerprint = z.string().nullable().default(null).describe("of the file's content, hex; filled in");

const filePrompts = z.strictObject({
  source: z.literal('file'),
  path: text.describe('JSONL'),
  template: text.default('{prompt}').describe("a record's fields in braces"),
  fingerprint,
});

const topicPrompts = z.strictObject({
  source: z.literal('topics'),
  topics: z.array(text).min(1),
  templates: z.array(text).min(1).describe('each with {topic} in it; every one with every topic'),
});

const api = z
  .enum(['chat', 'completions'])
  .default('chat')
  .describe('completions: for base models, which know no roles');
const contextTokens = z.int().min(1).default(2048).describe('of a prompt and its answer, where gguf is served');
const none = z.null().default(null);

/** A server that runs. The value of its key is in no document: it names where the key is. */
const remote = z.strictObject({
  baseUrl: z
    .string()
    .regex(
      /^https?:\/\/[^\s/?#@]+(\/[^\s?#@]*)?$/,
      'must be an http address without credentials or a query, such as https://host/v1',
    )
    .describe('with the version in its path, as https://host/v1'),
  model: text.describe('as the server calls it'),
  gguf: none,
  ggufFingerprint: none,
  contextTokens,
  api,
  apiKeyVariable: z
    .string()
    .regex(
      /^[A-Za-z_][A-Za-z0-9_]*$/,
      'must be the name of a variable, such as WRITER_KEY; the key itself belongs into no document',
    )
    .nullable()
    .default(null)
    .describe('variable of this machine that holds the key'),
  apiKeySecret: z
    .strictObject({
      name: z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'must be the name of a Secret'),
      key: z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/, 'must be the name of an entry of the Secret'),
    })
    .nullable()
    .default(null)
    .describe("Secret beside the pods that holds the key, and the name of the key's entry in it"),
});

/** A model file, which llama.cpp's server is started for as long as data are generated. */
const served = z.strictObject({
  baseUrl: none,
  model: none,
  gguf: text.describe('model file'),
  ggufFingerprint: fingerprint,
  contextTokens,
  api,
  apiKeyVariable: none,
  apiKeySecret: none,
});

const endpoint = z.union([remote, served]);

const sampling = z.strictObject({
  temperature: z.number().min(0).max(2).default(0.8),
  topP: z.number().gt(0).max(1).default(1),
  maxTokens: z.int().min(1).default(512),
  seed: count.nullable().default(0).describe('plus the number of the sample; null: none is sent'),
});

const limits = z.strictObject({
  requestsPerMinute: z.number().positive().nullable().default(60).describe('null: as fast as answers come'),
  concurrency: z.int().min(1).max(256).default(4),
  timeoutSeconds: z.number().positive().default(120),
  attempts: z.int().min(1).max(100).default(6).describe('tries of one request'),
  firstRetrySeconds: z.number().positive().default(1),
  longestWaitSeconds: z.number().positive().default(300),
});

const prices = z.strictObject({
  inputPerMillion: z.number().min(0).nullable().default(null),
  outputPerMillion: z.number().min(0).nullable().default(null),
});

const cleaning = z.strictObject({
  reasoning: z.boolean().default(true),
  fences: z.boolean().default(true),
  remove: z.array(z.string()).default([]),
});

const filters = z.strictObject({
  minCharacters: count.default(1),
  maxCharacters: z.int().min(1).nullable().default(null),
  minWords: count.default(0),
  maxWords: z.int().min(1).nullable().default(null),
  truncated: z.enum(['drop', 'keep']).default('drop'),
});

const duplicates = z.strictObject({
  threshold: z.number().gt(0).max(1).default(0.8),
  shingle: z.int().min(1).default(5),
  permutations: z.int().min(16).max(1024).default(128),
});

const evaluationFile = z.strictObject({
  path: text,
  format: z.enum(['jsonl', 'text']).default('jsonl'),
  fields: textFields.default({ text: 'text' }),
  fingerprint,
});

const contamination = z.strictObject({
  fraction: z.number().gt(0).lt(1).nullable().default(0.1).describe('evaluation.fraction; null: only files count'),
  files: z.array(evaluationFile).default([]),
  ngram: z.int().min(1).default(13).describe('words'),
  maxShare: share.default(0),
});

const column = z.enum(['prompt', 'completion']);
const columns = z.union([z.strictObject({ text: column }), z.strictObject({ prompt: column, completion: column })]);

/** The same document as `lamina_trainer generate` reads, field for field and default for default. */
export const generationSpec = z.strictObject({
  prompts: z.discriminatedUnion('source', [filePrompts, topicPrompts]),
  system: z.string().nullable().default(null),
  samples: z.int().min(1).max(1000).default(1).describe('answers to each prompt'),
  endpoint,
  sampling: sampling.prefault({}),
  limits: limits.prefault({}),
  prices: prices.prefault({}),
  cleaning: cleaning.prefault({}),
  filters: filters.prefault({}),
  duplicates: duplicates.prefault({}),
  contamination: contamination.prefault({}),
  fields: columns.default({ text: 'completion' }).describe('how trials read the records'),
});
export type GenerationSpec = z.infer<typeof generationSpec>;

/** Asks for a data set. `kind` tells it from a trial's request, which has none. */
export const generateRequest = z.strictObject({
  contract: z.literal(CONTRACT_VERSION),
  kind: z.literal('generate'),
  experimentId: z.string(),
  trialId: z.string(),
  attempt: z.int().min(1),
  attemptId: z.string(),
  spec: generationSpec,
  plan,
  paths: z.strictObject({
    output: z.string().describe('folder for result.json, exit.json and log.txt of this attempt'),
    checkpoints: z.string().describe('folder of the answers that were paid for, shared by all experiments'),
    cache: z.string(),
    datasets: z.string().describe('folder of data sets, each in a folder named by the SHA-256 of its content'),
  }),
  eventsUrl: z.string().nullable(),
});
export type GenerateRequest = z.infer<typeof generateRequest>;

export const generationReport = z.strictObject({
  specSha256: z.string(),
  dataSha256: z.string(),
  data: z.string().describe('name of the file'),
  models: z.array(z.string()).describe('as the endpoint named itself'),
  counts: z.strictObject({
    requests: count,
    answers: count,
    refused: count,
    dropped: z.record(z.string(), count).describe('by reason'),
    records: count,
  }),
  usage: z.strictObject({
    promptTokens: count.nullable(),
    completionTokens: count.nullable(),
    answersWithoutUsage: count,
    unansweredSends: count,
    cost: z.number().nullable(),
  }),
  contamination: z.strictObject({
    ngram: count,
    maxShare: z.number(),
    scoredTexts: count,
    heldOutRecords: count,
    checked: count,
    droppedByFiles: count,
    droppedByHeldOut: count,
    largestShareKept: z.number().nullable(),
  }),
  refusals: z.array(z.string()),
});
export type GenerationReport = z.infer<typeof generationReport>;

/** What a finished generation leaves behind, in the place of a trial's result. */
export const generationResult = z.strictObject({
  contract: z.literal(CONTRACT_VERSION),
  kind: z.literal('generation'),
  trialId: z.string(),
  attemptId: z.string(),
  status: z.literal('succeeded'),
  dataset: z.strictObject({
    path: z.string().describe('below the folder of data sets'),
    sha256: z.string(),
    bytes,
    records: count,
  }),
  report: generationReport,
});
export type GenerationResult = z.infer<typeof generationResult>;

/** What people call the model that writes: a file by its name, without its folder. */
export function writerName(model: string): string {
  return /\.gguf$/i.test(model) ? model.replace(/^.*\//, '') : model;
}

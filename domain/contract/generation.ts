/**
 * Generated data: what is to be written by a model (`generationSpec`, as `dataset.source: generated` in a document),
 * what an attempt is asked to do (`generateRequest`, next to `trialRequest`), and what it leaves behind.
 */
import { z } from 'zod';
import { textFields } from './settings.ts';
import { plan } from './trial.ts';
import { bytes, CONTRACT_VERSION, count, nonNegative, positive, positiveNumber, share, text } from './units.ts';

/** The pseudo-trial that stands for an experiment's dataset: its attempts, logs and folders are those of this id. */
export const DATASET_TRIAL = 'dataset';

/** The variable that holds an endpoint's key where it comes from a Secret. */
export const API_KEY_VARIABLE = 'LAMINA_API_KEY';

const fingerprint = z
  .string()
  .nullable()
  .default(null)
  .describe('SHA-256 of the content that was submitted, filled in; null: whatever the file holds now');

export const filePrompts = z
  .strictObject({
    source: z.literal('file'),
    path: text.describe('JSONL'),
    template: text.default('{prompt}').describe("a record's fields in braces"),
    fingerprint,
  })
  .describe('One prompt a record of a JSONL file: the template with the fields of the record in it.');

export const topicPrompts = z
  .strictObject({
    source: z.literal('topics'),
    topics: z.array(text).min(1),
    templates: z.array(text).min(1).describe('each with {topic} in it; every one with every topic'),
  })
  .describe('Every template with every topic in the place of `{topic}`.');

const api = z
  .enum(['chat', 'completions'])
  .default('chat')
  .describe('completions: for base models, which know no roles');
const contextTokens = positive.default(2048).describe('for a prompt and its answer, where gguf is served');
const none = z.null().default(null);

export const secretReference = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'must be the name of a Secret'),
    key: z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/, 'must be the name of an entry of the Secret'),
  })
  .describe('An entry of a Kubernetes Secret.');

export const address = z
  .string()
  .regex(
    /^https?:\/\/[^\s/?#@]+(\/[^\s?#@]*)?$/,
    'must be an http address without credentials or a query, such as https://host/v1',
  );

export const remoteEndpoint = z
  .strictObject({
    baseUrl: address.describe('with the version in its path, as https://host/v1'),
    model: text.describe('as the server calls it'),
    gguf: none,
    ggufFingerprint: none,
    contextTokens,
    api,
    apiKeyVariable: z
      .string()
      .regex(
        /^[A-Za-z_][A-Za-z0-9_]*$/,
        'must be the name of a variable, such as WRITER_KEY; the key itself is in no document',
      )
      .nullable()
      .default(null)
      .describe('variable of this machine that holds the key'),
    apiKeySecret: secretReference
      .nullable()
      .default(null)
      .describe("Secret in the pods' namespace that holds the key, and the name of the key's entry in it"),
  })
  .describe(
    'An OpenAI-compatible server that runs. The value of its key is in no document: it names where the key is.',
  );

export const servedEndpoint = z
  .strictObject({
    baseUrl: none,
    model: none,
    gguf: text.describe('model file'),
    ggufFingerprint: fingerprint,
    contextTokens,
    api,
    apiKeyVariable: none,
    apiKeySecret: none,
  })
  .describe("A model file, which llama.cpp's server is started for as long as data are generated.");

export const endpoint = z.union([remoteEndpoint, servedEndpoint]);

export const sampling = z
  .strictObject({
    temperature: z.number().min(0).max(2).default(0.8),
    topP: z.number().gt(0).max(1).default(1),
    maxTokens: positive.default(512),
    seed: count.nullable().default(0).describe('plus the number of the sample; null: none is sent'),
  })
  .describe('How the model chooses its words.');

export const limits = z
  .strictObject({
    requestsPerMinute: positiveNumber.nullable().default(60).describe('retries count; null: as fast as answers come'),
    concurrency: z.int().min(1).max(256).default(4),
    timeoutSeconds: positiveNumber.default(120),
    attempts: z.int().min(1).max(100).default(6).describe('tries of one request'),
    firstRetrySeconds: positiveNumber.default(1),
    longestWaitSeconds: positiveNumber
      .default(300)
      .describe('a server that asks for a longer pause ends the run, which can be continued later'),
  })
  .describe('How fast and how patiently the endpoint is asked; no effect on the data.');

export const prices = z
  .strictObject({
    inputPerMillion: nonNegative.nullable().default(null),
    outputPerMillion: nonNegative.nullable().default(null),
  })
  .describe('Prices of a million tokens, in any currency; null: no cost is computed.');

/** Regular expressions of Python, which the trainer alone can check. */
export const expressions = z.array(z.string());

export const cleaning = z
  .strictObject({
    reasoning: z.boolean().default(true).describe('a leading `<think>…</think>` is dropped'),
    fences: z.boolean().default(true).describe('an answer that is one fenced block is unwrapped'),
    remove: expressions.default([]).describe('what they match is removed'),
  })
  .describe('What is taken out of answers. Control characters and surplus blanks always are.');

export const filters = z
  .strictObject({
    minCharacters: count.default(1),
    maxCharacters: positive.nullable().default(null),
    minWords: count.default(0),
    maxWords: positive.nullable().default(null),
    truncated: z.enum(['drop', 'keep']).default('drop').describe('answers that ended at sampling.maxTokens'),
  })
  .describe('Which cleaned answers stay.');

export const duplicates = z
  .strictObject({
    threshold: z.number().gt(0).max(1).default(0.8).describe('1: only equal answers are duplicates'),
    shingle: positive.default(5),
    permutations: z.int().min(16).max(1024).default(128),
  })
  .describe('Keeps the first of several similar answers. Similarity is the Jaccard index over character shingles.');

export const evaluationFile = z
  .strictObject({
    path: text,
    format: z.enum(['jsonl', 'text']).default('jsonl'),
    fields: textFields.default({ text: 'text' }),
    fingerprint,
  })
  .describe('Texts that the trained model will be scored on.');

export const contamination = z
  .strictObject({
    fraction: z.number().gt(0).lt(1).nullable().default(0.1).describe('evaluation.fraction; null: only files count'),
    files: z.array(evaluationFile).default([]),
    ngram: positive.default(13).describe('words'),
    maxShare: share.default(0).describe("largest share of an answer's n-grams that may occur in what is scored"),
  })
  .describe('Overlap with what is scored: the held-out share of this data set, and other files.');

export const column = z.enum(['prompt', 'completion']);
export const textColumn = z.strictObject({ text: column }).describe('A record is read from one column.');
export const promptColumns = z
  .strictObject({ prompt: column, completion: column })
  .describe('A record is read from a column of prompts and one of completions.');
export const columns = z.union([textColumn, promptColumns]);

/** The same document as `lamina_trainer generate` reads, field for field and default for default. */
export const generationSpec = z
  .strictObject({
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
  })
  .describe('A data set to be written by a model.');
export type GenerationSpec = z.infer<typeof generationSpec>;

export const generatePaths = z
  .strictObject({
    output: z.string().describe('folder for result.json, exit.json and log.txt of this attempt'),
    checkpoints: z.string().describe('folder of the answers that were paid for, shared by all experiments'),
    cache: z.string(),
    datasets: z.string().describe('folder of data sets, each in a folder named by the SHA-256 of its content'),
  })
  .describe('Folders of an attempt; `checkpoints` holds the answers that were paid for, for all experiments.');

export const generateRequest = z
  .strictObject({
    contract: z.literal(CONTRACT_VERSION),
    kind: z.literal('generate'),
    experimentId: z.string(),
    trialId: z.string(),
    attempt: positive,
    attemptId: z.string(),
    spec: generationSpec,
    plan,
    paths: generatePaths,
    eventsUrl: z.string().nullable(),
  })
  .describe("Asks for a data set. `kind` tells it from a trial's request, which has none.");
export type GenerateRequest = z.infer<typeof generateRequest>;

export const generationCounts = z
  .strictObject({
    requests: count,
    answers: count,
    refused: count.describe('requests that the endpoint turned down, each for a reason of its own'),
    dropped: z.record(z.string(), count).describe('by reason'),
    records: count,
  })
  .describe('How many of what, stage by stage.');

export const generationUsage = z
  .strictObject({
    promptTokens: count.nullable(),
    completionTokens: count.nullable(),
    answersWithoutUsage: count,
    unansweredSends: count.describe(
      'tries that ended without an answer, by a failure or a kill: they may have been paid for, and are in no cost',
    ),
    cost: z.number().nullable().describe('null without both prices, or where an answer has no usage'),
  })
  .describe('Tokens as the endpoint counted them, over answers that say; null where none does.');

export const contaminationReport = z
  .strictObject({
    ngram: count,
    maxShare: z.number(),
    scoredTexts: count.describe('files that contamination.files names'),
    heldOutRecords: count,
    checked: count,
    droppedByFiles: count,
    droppedByHeldOut: count,
    largestShareKept: z.number().nullable().describe('among the training records; null where nothing was compared'),
  })
  .describe('How much of the data stands in texts that are scored.');

export const generationReport = z
  .strictObject({
    specSha256: z.string(),
    dataSha256: z.string(),
    data: z.string().describe('name of the file'),
    models: z.array(z.string()).describe('as the endpoint named itself'),
    counts: generationCounts,
    usage: generationUsage,
    contamination: contaminationReport,
    refusals: z.array(z.string()).describe("the first few, in the endpoint's words"),
  })
  .describe('What a data set is made of, and what it cost.');
export type GenerationReport = z.infer<typeof generationReport>;

export const generatedFile = z
  .strictObject({
    path: z.string().describe('below the folder of data sets'),
    sha256: z.string(),
    bytes,
    records: count,
  })
  .describe('Where the data set is, below the folder of data sets.');

export const generationResult = z
  .strictObject({
    contract: z.literal(CONTRACT_VERSION),
    kind: z.literal('generation'),
    trialId: z.string(),
    attemptId: z.string(),
    status: z.literal('succeeded'),
    dataset: generatedFile,
    report: generationReport,
  })
  .describe("What a finished generation leaves behind, in the place of a trial's result.");
export type GenerationResult = z.infer<typeof generationResult>;

/** What people call the model that writes: a file by its name, without its folder. */
export function writerName(model: string): string {
  return /\.gguf$/i.test(model) ? model.replace(/^.*\//, '') : model;
}

/**
 * The contract between the scheduler and the trainer: what an attempt is asked to do (`TrialRequest`),
 * what it says while it works (`TrialEvent`), and what it leaves behind (`TrialResult`).
 *
 * zod is the source; `npm run generate` writes JSON Schema into `python-trainer/contracts/`.
 * Bytes, seconds and joules throughout. A number that was not measured is `null`.
 */
import { z } from 'zod';
import { COMPUTE_DTYPES, LR_SCHEDULES, METHODS, OPTIMIZERS, PRECISIONS } from '../spec/vocabulary.ts';

export const CONTRACT_VERSION = 'lamina/v1';

const bytes = z.number().int().nonnegative();
const seconds = z.number().nonnegative();

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
const textFields = z.union([
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
export type InferenceSettings = z.infer<typeof inferenceSettings>;

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
export type GgufSettings = z.infer<typeof ggufSettings>;

export const evaluationSettings = scoringSettings.extend({
  inference: inferenceSettings.nullable().default(null).describe('null: speed of inference is not measured'),
  gguf: ggufSettings.nullable().default(null).describe('null: no GGUF files are made'),
});

export const artifactSettings = z.strictObject({
  adapter: z.boolean().describe('keep the trained adapter, with the checksum of the base it belongs to'),
  merged: z.boolean().describe('keep the trained model as a plain one: the adapter is added to the weights'),
});
export type ArtifactSettings = z.infer<typeof artifactSettings>;

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

/** What an attempt runs with. It never changes the effective batch: microBatch × accumulation × GPUs is constant. */
export const plan = z.strictObject({
  gpuClass: z.string().nullable(),
  gpus: z.number().int().min(0),
  microBatch: z.number().int().min(1),
  accumulation: z.number().int().min(1),
  checkpointing: z.boolean(),
  memoryBytes: bytes.nullable().describe('host memory request'),
  excludedNodes: z.array(z.string()),
});
export type Plan = z.infer<typeof plan>;

export const trialRequest = z.strictObject({
  contract: z.literal(CONTRACT_VERSION),
  experimentId: z.string(),
  trialId: z.string(),
  attempt: z.number().int().min(1),
  attemptId: z.string(),
  settings: trialSettings,
  plan,
  resume: z.boolean().describe('continue from the newest complete checkpoint in paths.checkpoints, if any'),
  paths: z.strictObject({
    output: z.string().describe('folder for result.json, exit.json and artifacts of this attempt'),
    checkpoints: z.string().describe('folder shared by the attempts of this trial'),
    cache: z.string().describe('folder shared by all trials on this machine: converted weights, tokenized data'),
  }),
  /** Where events go; the bearer token comes in the variable LAMINA_ATTEMPT_TOKEN, never in this document. */
  eventsUrl: z.string().nullable(),
});
export type TrialRequest = z.infer<typeof trialRequest>;

export const PHASES = [
  'starting',
  'loading',
  'quantizing',
  'evaluating-raw',
  'training',
  'evaluating',
  'saving',
] as const;

const eventBase = { seq: z.number().int().min(1), at: z.iso.datetime({ offset: true }) };
export const trialEvent = z.discriminatedUnion('type', [
  z.strictObject({ ...eventBase, type: z.literal('phase'), phase: z.enum(PHASES) }),
  z.strictObject({
    ...eventBase,
    type: z.literal('step'),
    step: z.number().int().min(1),
    steps: z.number().int().min(1),
    loss: z.number().nullable().describe('null where it is not finite'),
    learningRate: z.number(),
    gradNorm: z.number().nullable(),
    stepSeconds: seconds,
    tokensPerSecond: z.number().nonnegative(),
    memoryBytes: bytes.nullable(),
  }),
  z.strictObject({
    ...eventBase,
    type: z.literal('evaluation'),
    stage: z.enum(['raw', 'trained']),
    loss: z.number().nullable(),
    perplexity: z.number().nullable(),
    accuracy: z.number().nullable(),
  }),
  z.strictObject({ ...eventBase, type: z.literal('checkpoint'), step: z.number().int().min(0) }),
  z.strictObject({ ...eventBase, type: z.literal('heartbeat') }),
  z.strictObject({ ...eventBase, type: z.literal('warning'), message: z.string() }),
]);
export type TrialEvent = z.infer<typeof trialEvent>;

export const eventBatch = z.strictObject({ events: z.array(trialEvent).min(1).max(1000) });
export const eventReceipt = z.strictObject({
  accepted: z.number().int(),
  lastSeq: z.number().int().describe('everything up to this sequence number is stored'),
});

export const evaluationResult = z.strictObject({
  loss: z.number().describe('mean negative log likelihood, nats per token'),
  lossStandardError: z.number().nullable().describe('over sequences'),
  perplexity: z.number().describe('exp(loss)'),
  perplexityStandardError: z.number().nullable().describe('delta method: perplexity × lossStandardError'),
  accuracy: z.number().describe('share of tokens whose most likely prediction is right'),
  tokens: z.number().int(),
  sequences: z.number().int(),
  seconds,
  cached: z.boolean().describe('taken from an identical earlier evaluation (same weights, same tokens)'),
});
export type EvaluationResult = z.infer<typeof evaluationResult>;

/** Peaks while the model trains: loading and quantizing, in which all cells look alike, are not part of them. */
export const memoryMeasurement = z.strictObject({
  /** torch.cuda.max_memory_allocated; null on CPU. */
  peakAllocatedBytes: bytes.nullable(),
  /** torch.cuda.max_memory_reserved; null on CPU. */
  peakReservedBytes: bytes.nullable(),
  /** Device memory of this process as the driver sees it (NVML); null on CPU. */
  peakProcessBytes: bytes.nullable(),
  /** Peak resident set of the trainer process (host memory). */
  peakRssBytes: bytes.nullable(),
});

/** Where the time of the measured steps went; element by element beside `stepSeconds`. */
export const stepParts = z.strictObject({
  forward: z.array(seconds).describe('forward passes, with the copying of their tokens to the device'),
  backward: z.array(seconds),
  optimizer: z.array(seconds).describe('clipping of gradients and the update'),
});

/** Base weights before training and once the adapter is off again: equal, or the base was damaged. */
export const baseChecksums = z.strictObject({
  before: z.string().describe('SHA-256 over the tensors in memory, quantization constants included'),
  after: z.string(),
});

export const mergeResult = z.strictObject({
  dtype: z.enum(['fp32', 'bf16', 'fp16']).describe('of the merged weights'),
  maxDifference: z
    .number()
    .nonnegative()
    .describe('of the logits against those with the adapter apart: root mean square over that of the logits'),
  tolerance: z.number().positive().describe('what maxDifference may be'),
  divergence: z.number().nonnegative().describe('mean Kullback-Leibler divergence, nats per token'),
  sameTop: z.number().min(0).max(1).describe('share of tokens after which both find the same one most likely'),
  accepted: z.boolean().describe('false: the difference is above the tolerance, and no merged model was kept'),
  seconds,
});

/** Raw samples of one batch size, one of each kind per repetition. Greedy, with a key-value cache. */
export const inferenceSamples = z.strictObject({
  batchSize: z.number().int().min(1),
  prefillSeconds: z.array(seconds).describe('the prompts until the first new token: time to first token'),
  decodeSeconds: z.array(seconds).describe('newTokens further tokens of every sequence'),
  /** Largest allocation on CUDA, peak resident set on a CPU, weights included. */
  peakMemoryBytes: bytes.nullable(),
});
export type InferenceSamples = z.infer<typeof inferenceSamples>;

export const inferenceResult = z.strictObject({
  promptTokens: z.number().int().min(1),
  newTokens: z.number().int().min(1),
  trained: z
    .array(inferenceSamples)
    .describe('the model as trained: adapters apart from the weights, where it has any'),
  merged: z.array(inferenceSamples).nullable().describe('the merged model; null without an accepted merge'),
});
export type InferenceResult = z.infer<typeof inferenceResult>;

const standardError = z.number().nonnegative().nullable();

/** One GGUF file of the trained model. Speeds by llama-bench, quality by llama-perplexity on held-out text. */
export const ggufResult = z.strictObject({
  type: z.enum(GGUF_TYPES),
  missing: z.string().nullable().describe('why something was not measured; null: everything was'),
  fileBytes: bytes.nullable(),
  bitsPerWeight: z.number().positive().nullable().describe('8 × bytes of all tensors / their elements'),
  writeSeconds: seconds.nullable().describe('to convert or quantize'),
  promptTokensPerSecond: z.array(z.number().nonnegative()).describe('raw samples, one per repetition'),
  generatedTokensPerSecond: z.array(z.number().nonnegative()).describe('raw samples, one per repetition'),
  perplexity: z.number().positive().nullable(),
  perplexityStandardError: standardError.describe('over scored tokens, as all of them here'),
  perplexityDelta: z.number().nullable().describe('perplexity less that of the f16 file on the same tokens'),
  perplexityDeltaStandardError: standardError,
  divergence: z.number().nullable().describe('mean Kullback-Leibler divergence from the f16 file, nats per token'),
  divergenceStandardError: standardError,
  sameTop: z.number().min(0).max(1).nullable().describe('share of tokens for which both find the same most likely'),
  sameTopStandardError: standardError,
  scoredTokens: z.number().int().nonnegative(),
});
export type GgufResult = z.infer<typeof ggufResult>;

export const trialResult = z.strictObject({
  contract: z.literal(CONTRACT_VERSION),
  trialId: z.string(),
  attemptId: z.string(),
  status: z.enum(['succeeded', 'diverged']),
  divergedAtStep: z.number().int().nullable(),
  model: z.strictObject({
    architecture: z.string(),
    layersOriginal: z.number().int(),
    layersKept: z.array(z.number().int()).describe('original indices, ascending'),
    parameters: z.number().int().describe('logical parameters after the cut, adapters excluded'),
    trainableParameters: z.number().int(),
    weightBytes: bytes.describe('base weights with quantization constants, measured from the tensors'),
    quantizedParameters: z.number().int().describe('parameters held in k-bit storage'),
    quantizedBytes: bytes.describe('their storage with constants'),
    bitsPerParameter: z.number().describe('8 × weightBytes / parameters'),
    quantizedBitsPerParameter: z.number().nullable(),
    diskBytes: bytes.nullable().default(null).describe('weight files that it was loaded from, before the cut'),
  }),
  computeDtype: z.enum(['fp32', 'bf16', 'fp16']),
  raw: evaluationResult.nullable(),
  trained: evaluationResult.nullable().describe('null where training diverged'),
  training: z.strictObject({
    steps: z.number().int(),
    tokens: z.number().int().describe('non-padding tokens trained on by this attempt'),
    samples: z.number().int(),
    losses: z.array(z.strictObject({ step: z.number().int(), loss: z.number().nullable() })),
    stepSeconds: z.array(seconds).describe('raw samples of this attempt, warm-up excluded'),
    stepTokens: z.array(z.number().int()).describe('tokens of each of those steps'),
    warmupStepSeconds: z.array(seconds),
    tokensPerSecond: z.number().nullable().describe('sum(stepTokens) / sum(stepSeconds)'),
    samplesPerSecond: z.number().nullable(),
    resumedFromStep: z.number().int().nullable(),
    stepParts: stepParts.nullable().default(null),
    dequantizationShare: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .default(null)
      .describe('of the time of forward and backward passes, profiled after training'),
  }),
  seconds: z.strictObject({
    imports: seconds.nullable(),
    tokenizer: seconds.nullable(),
    data: seconds.nullable(),
    load: seconds.nullable(),
    quantize: seconds.nullable(),
    evaluateRaw: seconds.nullable(),
    train: seconds.nullable(),
    evaluate: seconds.nullable(),
    total: seconds,
  }),
  memory: memoryMeasurement,
  energyJoules: z.number().nullable().describe('while training, idle power included'),
  energySource: z
    .enum(['nvml', 'rapl'])
    .nullable()
    .default(null)
    .describe('nvml: the GPUs in use; rapl: the processor packages, with everything that runs on them'),
  idleWatts: z.number().nonnegative().nullable().default(null).describe('power just before training, the model loaded'),
  base: baseChecksums.nullable().default(null).describe('null where no adapter was kept or merged'),
  merge: mergeResult.nullable().default(null).describe('null where nothing was merged'),
  inference: inferenceResult.nullable().default(null),
  gguf: z.array(ggufResult).nullable().default(null).describe('null where no GGUF file was asked for'),
  environment: z.strictObject({
    device: z.string().describe('product name of the GPU or CPU'),
    deviceKind: z.enum(['cpu', 'cuda']),
    driver: z.string().nullable(),
    threads: z.number().int(),
    python: z.string(),
    libraries: z.record(z.string(), z.string()),
    trainerRevision: z.string(),
    datasetFingerprint: z.string(),
    evaluationFingerprint: z.string().describe('hash of the held-out token ids that were scored'),
    weightsFingerprint: z.string().nullable(),
  }),
  artifacts: z.array(z.strictObject({ name: z.string(), path: z.string(), bytes })),
});
export type TrialResult = z.infer<typeof trialResult>;

/** What a failing trainer says in exit.json (and, in a cluster, in the termination message). */
export const trialExit = z.strictObject({
  code: z.number().int(),
  reason: z.string().describe('one of EXIT_CODES by name'),
  message: z.string().describe('one sentence for the user'),
  resumable: z.boolean(),
  resultSha256: z.string().nullable(),
});
export type TrialExit = z.infer<typeof trialExit>;

/** Exit codes of the trainer. Named constants on both sides; 0 with a result.json is success. */
export const EXIT_CODES = {
  succeeded: 0,
  /** An exception nobody foresaw. */
  crashed: 1,
  /** Bad configuration, missing model or column: no retry can help. */
  invalid: 64,
  /** torch.cuda.OutOfMemoryError. */
  gpuOutOfMemory: 65,
  /** MemoryError, or an allocation refused by the host. */
  hostOutOfMemory: 66,
  /** Xid, ECC, device lost. */
  gpuFault: 67,
  /** SIGTERM: a checkpoint was saved, the next attempt continues from it. */
  resumable: 75,
} as const;

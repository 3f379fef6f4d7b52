/** What a trial leaves behind: its measurements with their raw samples, and what they were taken on. */
import { z } from 'zod';
import { GGUF_TYPES } from './settings.ts';
import { bytes, CONTRACT_VERSION, seconds } from './units.ts';

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

export const TASK_STAGES = ['raw', 'trained'] as const;

/** One metric of one task, of the model as cut or as trained. */
export const taskResult = z.strictObject({
  stage: z.enum(TASK_STAGES),
  task: z.string().min(1),
  version: z.string(),
  metric: z.string().min(1),
  value: z.number(),
  standardError: standardError.describe('over questions; null where it has none'),
  higherIsBetter: z.boolean(),
  samples: z.number().int().min(1),
  fewShot: z.number().int().min(0),
  fileSha256: z.string().describe('of the task file'),
  dataSha256: z.string().describe('over its files of data'),
});
export type TaskResult = z.infer<typeof taskResult>;

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
  tasks: z.array(taskResult).nullable().default(null).describe('null where no tasks were asked for'),
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

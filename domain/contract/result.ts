/**
 * What a trial leaves behind: its measurements with their raw samples, and what they were taken on.
 *
 * What is added later is nullable with the default null: results of older trainers lack it and must stay readable.
 */
import { z } from 'zod';
import { ggufType } from './settings.ts';
import {
  bytes,
  CONTRACT_VERSION,
  count,
  integer,
  nonNegative,
  positive,
  positiveNumber,
  seconds,
  share,
  text,
} from './units.ts';
import { resolvedDtype } from './vocabulary.ts';

export const evaluationResult = z
  .strictObject({
    loss: z.number().describe('mean negative log likelihood of the tokens that count, nats per token'),
    lossStandardError: z.number().nullable().describe('over sequences'),
    perplexity: z.number().describe('exp(loss)'),
    perplexityStandardError: z.number().nullable().describe('delta method: perplexity × lossStandardError'),
    accuracy: z.number().describe('share of tokens whose most likely prediction is right'),
    tokens: integer.describe('tokens that count'),
    sequences: integer,
    seconds,
    cached: z.boolean().describe('taken from an identical earlier evaluation (same weights, same tokens)'),
  })
  .describe('Held-out scores; loss in nats per token.');
export type EvaluationResult = z.infer<typeof evaluationResult>;

export const memoryMeasurement = z
  .strictObject({
    peakAllocatedBytes: bytes.nullable().describe('torch.cuda.max_memory_allocated; null on CPU'),
    peakReservedBytes: bytes.nullable().describe('torch.cuda.max_memory_reserved; null on CPU'),
    peakProcessBytes: bytes
      .nullable()
      .describe(
        'device memory of this process as the driver sees it (NVML), the largest sample at reported steps; null on CPU',
      ),
    peakRssBytes: bytes.nullable().describe('peak resident set of the trainer process (host memory)'),
  })
  .describe(
    'Peaks while the model trains: loading and quantizing, in which all cells look alike, are not part of them.',
  );

export const stepParts = z
  .strictObject({
    forward: z.array(seconds).describe('forward passes, with the copying of their tokens to the device'),
    backward: z.array(seconds),
    optimizer: z.array(seconds).describe('clipping of gradients and the update'),
  })
  .describe('Where the time of the measured steps went; element by element like `stepSeconds`.');

export const baseChecksums = z
  .strictObject({
    before: z.string().describe('SHA-256 over the tensors in memory, quantization constants included'),
    after: z.string(),
  })
  .describe('Base weights before training and once the adapter is off again: equal, or the base was damaged.');

export const mergeResult = z
  .strictObject({
    dtype: resolvedDtype.describe('what the merged weights are stored as'),
    maxDifference: nonNegative.describe(
      'difference of the logits from those with the adapter apart: root mean square over that of the logits',
    ),
    tolerance: positiveNumber.describe('what maxDifference may be'),
    divergence: nonNegative.describe('mean Kullback-Leibler divergence, nats per token'),
    sameTop: share.describe('share of tokens after which both find the same one most likely'),
    accepted: z.boolean().describe('false: the difference is above the tolerance, and no merged model was kept'),
    seconds,
  })
  .describe('How far the merged model is from the trained one.');

export const inferenceSamples = z
  .strictObject({
    batchSize: positive,
    prefillSeconds: z.array(seconds).describe('the prompts until the first new token: time to first token'),
    decodeSeconds: z.array(seconds).describe('newTokens further tokens of every sequence'),
    peakMemoryBytes: bytes
      .nullable()
      .describe('largest allocation on CUDA, peak resident set on a CPU, weights included'),
  })
  .describe('Raw samples of one batch size, one of each kind per repetition. Greedy, with a key-value cache.');
export type InferenceSamples = z.infer<typeof inferenceSamples>;

export const inferenceResult = z
  .strictObject({
    promptTokens: positive,
    newTokens: positive,
    trained: z
      .array(inferenceSamples)
      .describe('the model as trained: adapters apart from the weights, where it has any'),
    merged: z.array(inferenceSamples).nullable().describe('the merged model; null without an accepted merge'),
  })
  .describe('How fast the trained model generates.');
export type InferenceResult = z.infer<typeof inferenceResult>;

const standardError = nonNegative.nullable();

export const ggufResult = z
  .strictObject({
    type: ggufType,
    missing: z.string().nullable().describe('why something was not measured; null: everything was'),
    fileBytes: bytes.nullable(),
    bitsPerWeight: positiveNumber.nullable().describe('8 × bytes of all tensors / their elements'),
    writeSeconds: seconds.nullable().describe('to convert or quantize'),
    promptTokensPerSecond: z.array(nonNegative).describe('raw samples, one per repetition'),
    generatedTokensPerSecond: z.array(nonNegative).describe('raw samples, one per repetition'),
    perplexity: positiveNumber.nullable(),
    perplexityStandardError: standardError.describe('over scored tokens, as all of them here'),
    perplexityDelta: z.number().nullable().describe('perplexity less that of the f16 file on the same tokens'),
    perplexityDeltaStandardError: standardError,
    divergence: z.number().nullable().describe('mean Kullback-Leibler divergence from the f16 file, nats per token'),
    divergenceStandardError: standardError,
    sameTop: share.nullable().describe('share of tokens for which both find the same most likely'),
    sameTopStandardError: standardError,
    scoredTokens: count,
  })
  .describe('One GGUF file of the trained model. Speeds by llama-bench, quality by llama-perplexity on held-out text.');
export type GgufResult = z.infer<typeof ggufResult>;

export const TASK_STAGES = ['raw', 'trained'] as const;
export const taskStage = z.enum(TASK_STAGES);

export const taskResult = z
  .strictObject({
    stage: taskStage,
    task: text,
    version: z.string(),
    metric: text,
    value: z.number(),
    standardError: standardError.describe('over questions; null where it has none'),
    higherIsBetter: z.boolean(),
    samples: positive,
    fewShot: count,
    fileSha256: z.string().describe('hash of the task file'),
    dataSha256: z.string().describe('hash over its files of data'),
  })
  .describe('One metric of one task, of the model as cut or as trained.');
export type TaskResult = z.infer<typeof taskResult>;

export const modelResult = z
  .strictObject({
    architecture: z.string(),
    layersOriginal: integer,
    layersKept: z.array(integer).describe('original indices, ascending'),
    parameters: integer.describe('logical parameters after the cut, adapters excluded'),
    trainableParameters: integer,
    weightBytes: bytes.describe('base weights with quantization constants, measured from the tensors'),
    quantizedParameters: integer.describe('parameters held in k-bit storage'),
    quantizedBytes: bytes.describe('their storage with constants'),
    bitsPerParameter: z.number().describe('8 × weightBytes / parameters'),
    quantizedBitsPerParameter: z.number().nullable(),
    diskBytes: bytes.nullable().default(null).describe('weight files that it was loaded from, before the cut'),
  })
  .describe('The model as it was trained, measured from its tensors.');

export const stepLoss = z
  .strictObject({ step: integer, loss: z.number().nullable() })
  .describe('Training loss of a step; null where it was not finite.');

export const trainingResult = z
  .strictObject({
    steps: integer,
    tokens: integer.describe('tokens that this attempt has processed, whether they count or not, without padding'),
    samples: integer.describe('training examples of this attempt'),
    losses: z.array(stepLoss),
    stepSeconds: z.array(seconds).describe('raw samples of this attempt, warm-up excluded'),
    stepTokens: z.array(integer).describe('tokens of each of those steps'),
    warmupStepSeconds: z.array(seconds),
    tokensPerSecond: z.number().nullable().describe('sum(stepTokens) / sum(stepSeconds)'),
    samplesPerSecond: z.number().nullable(),
    resumedFromStep: integer.nullable(),
    largestGradientNorm: z.number().nullable().default(null).describe('of this attempt, before clipping'),
    clippedSteps: integer.nullable().default(null).describe('steps of this attempt whose gradient was clipped'),
    stepParts: stepParts.nullable().default(null),
    dequantizationShare: share
      .nullable()
      .default(null)
      .describe('share of the time of forward and backward passes, profiled after training'),
  })
  .describe('What training did, with raw samples.');

export const phaseSeconds = z
  .strictObject({
    imports: seconds.nullable(),
    tokenizer: seconds.nullable(),
    data: seconds.nullable(),
    load: seconds.nullable(),
    quantize: seconds.nullable(),
    evaluateRaw: seconds.nullable(),
    train: seconds.nullable(),
    evaluate: seconds.nullable(),
    total: seconds,
  })
  .describe('Where the time went.');

export const environment = z
  .strictObject({
    device: z.string().describe('product name of the GPU or CPU'),
    deviceKind: z.enum(['cpu', 'cuda']),
    driver: z.string().nullable(),
    threads: integer,
    python: z.string(),
    libraries: z.record(z.string(), z.string()),
    trainerRevision: z.string(),
    datasetFingerprint: z.string(),
    evaluationFingerprint: z.string().describe('hash of the held-out token ids that were scored'),
    weightsFingerprint: z.string().nullable(),
  })
  .describe('Where it ran and on what.');

export const countingResult = z
  .strictObject({
    trainingTokens: count.describe('in all training sequences'),
    trainingCounted: count.describe('those of them that the loss counts'),
    heldOutTokens: count.describe('in the held-out blocks'),
    heldOutCounted: count.describe('those of them that are scored'),
    acrossRecords: z
      .boolean()
      .nullable()
      .default(null)
      .describe('in training, a record sees those before it in its block: packing does not keep them apart'),
    leftOutSequences: count.describe('training sequences of which no token counts'),
    writtenOut: z.record(z.string(), count).describe('special tokens that training records write out, and how often'),
    writtenOutAs: z.enum(['tokens', 'text']).describe('what they were read as'),
    closing: z
      .string()
      .nullable()
      .describe("special token that closes the assistant's turns; null: no messages, or none"),
    closingId: count.nullable().describe('its id'),
  })
  .describe('Which tokens of the data count.');

export const dataResult = z
  .strictObject({
    records: count.describe('records with text, on both sides'),
    skippedRecords: count.describe('records that could not be used and were left out (dataset.onBadRecord: skip)'),
    firstSkipped: z.string().nullable().describe('what was wrong with the first of them, and where'),
    emptyRecords: count.describe('records without text, left out'),
    heldOutRecords: count.describe('records that are not trained on'),
    overlappingRecords: count.describe('records left out of training, because what they ask is scored'),
    scoredRecords: count.describe('records that the scored tokens are taken from'),
  })
  .describe('What was read of the data set.');

export const artifact = z
  .strictObject({ name: z.string(), path: z.string(), bytes })
  .describe('A file of the attempt, relative to its output folder.');

export const trialResult = z
  .strictObject({
    contract: z.literal(CONTRACT_VERSION),
    trialId: z.string(),
    attemptId: z.string(),
    status: z.enum(['succeeded', 'diverged']),
    divergedAtStep: integer.nullable(),
    model: modelResult,
    computeDtype: resolvedDtype,
    raw: evaluationResult.nullable().describe('the model as cut, before training; null where that was not asked for'),
    trained: evaluationResult.nullable().describe('null where training diverged'),
    training: trainingResult,
    seconds: phaseSeconds,
    memory: memoryMeasurement,
    energyJoules: z.number().nullable().describe('while training, idle power included'),
    energySource: z
      .enum(['nvml', 'rapl'])
      .nullable()
      .default(null)
      .describe('nvml: the GPUs in use; rapl: the processor packages, with everything that runs on them'),
    idleWatts: nonNegative.nullable().default(null).describe('power just before training, the model loaded'),
    base: baseChecksums.nullable().default(null).describe('null where no adapter was kept or merged'),
    merge: mergeResult.nullable().default(null).describe('null where nothing was merged'),
    inference: inferenceResult.nullable().default(null),
    gguf: z.array(ggufResult).nullable().default(null).describe('null where no GGUF file was asked for'),
    tasks: z.array(taskResult).nullable().default(null).describe('null where no tasks were asked for'),
    counting: countingResult.nullable().default(null),
    data: dataResult.nullable().default(null),
    environment,
    artifacts: z.array(artifact),
  })
  .describe('What a finished trial leaves behind.');
export type TrialResult = z.infer<typeof trialResult>;

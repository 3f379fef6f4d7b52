/**
 * The contract between the scheduler and the trainer: what an attempt is asked to do (`TrialRequest`),
 * what it says while it works (`TrialEvent`), and what it leaves behind (`TrialResult`).
 *
 * zod is the source; `npm run generate` writes JSON Schema into `python-trainer/contracts/`.
 * Bytes, seconds and joules throughout. A number that was not measured is `null`.
 */
import { z } from 'zod';
import { trialSettings } from './settings.ts';
import { bytes, CONTRACT_VERSION, seconds } from './units.ts';

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

/** Of what takes one example at a time, without a GPU, and asks for no memory. */
export const PLAIN_PLAN: Plan = {
  gpuClass: null,
  gpus: 0,
  microBatch: 1,
  accumulation: 1,
  checkpointing: false,
  memoryBytes: null,
  excludedNodes: [],
};

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
  'generating',
  'loading',
  'quantizing',
  'evaluating-raw',
  'training',
  'evaluating',
  'measuring',
  'saving',
  'merging',
  'converting',
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

/** What a failing trainer says in exit.json (and, in a cluster, in the termination message). */
export const trialExit = z.strictObject({
  code: z.number().int(),
  reason: z.string().describe('one of EXIT_CODES by name'),
  message: z.string().describe('one sentence for the user'),
  resumable: z.boolean(),
  resultSha256: z.string().nullable(),
});
export type TrialExit = z.infer<typeof trialExit>;

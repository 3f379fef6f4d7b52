/**
 * The contract between the scheduler and the trainer: what an attempt is asked to do (`TrialRequest`), what it says while
 * it works (`TrialEvent`), and how it ended (`TrialExit`). What it measured is in `result.ts`.
 *
 * zod is the source; `npm run generate` writes JSON Schema into `python-trainer/contracts/`.
 * Bytes, seconds and joules throughout. A number that was not measured is `null`.
 */
import { z } from 'zod';
import { taskStage } from './result.ts';
import { trialSettings } from './settings.ts';
import { bytes, CONTRACT_VERSION, count, integer, nonNegative, positive, seconds, timestamp } from './units.ts';

export const plan = z
  .strictObject({
    gpuClass: z.string().nullable(),
    gpus: count,
    microBatch: positive,
    accumulation: positive,
    checkpointing: z.boolean(),
    memoryBytes: bytes.nullable().describe('host memory request'),
    excludedNodes: z.array(z.string()),
  })
  .describe(
    'What an attempt runs with. It never changes the effective batch: microBatch × accumulation × GPUs is constant.',
  );
export type Plan = z.infer<typeof plan>;

/** Plan of an attempt that takes one example at a time, has no GPU and asks for no memory. */
export const PLAIN_PLAN: Plan = {
  gpuClass: null,
  gpus: 0,
  microBatch: 1,
  accumulation: 1,
  checkpointing: false,
  memoryBytes: null,
  excludedNodes: [],
};

export const trialPaths = z
  .strictObject({
    output: z.string().describe('folder for result.json, exit.json and artifacts of this attempt'),
    checkpoints: z.string().describe('folder shared by the attempts of this trial'),
    cache: z.string().describe('folder shared by all trials on this machine: converted weights, tokenized data'),
  })
  .describe('Folders of an attempt.');

export const trialRequest = z
  .strictObject({
    contract: z.literal(CONTRACT_VERSION),
    experimentId: z.string(),
    trialId: z.string(),
    attempt: positive,
    attemptId: z.string(),
    settings: trialSettings,
    plan,
    resume: z.boolean().describe('continue from the newest complete checkpoint in paths.checkpoints, if any'),
    paths: trialPaths,
    eventsUrl: z
      .string()
      .nullable()
      .describe('where events go; the bearer token comes in the variable LAMINA_ATTEMPT_TOKEN, never in this document'),
  })
  .describe('What an attempt is asked to do.');
export type TrialRequest = z.infer<typeof trialRequest>;

export const PHASES = [
  'starting',
  'generating',
  'tokenizing',
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

export const phaseName = z.enum(PHASES);

const eventBase = { seq: positive, at: timestamp };
export const phaseEvent = z
  .strictObject({ ...eventBase, type: z.literal('phase'), phase: phaseName })
  .describe('A phase was entered.');
export const stepEvent = z
  .strictObject({
    ...eventBase,
    type: z.literal('step'),
    step: positive,
    steps: positive,
    loss: z.number().nullable().describe('null where it is not finite'),
    learningRate: z.number(),
    gradNorm: z.number().nullable(),
    stepSeconds: seconds,
    tokensPerSecond: nonNegative.describe('of this step'),
    memoryBytes: bytes
      .nullable()
      .describe('in use at the end of this step: allocated on CUDA, resident set on a CPU; not a peak'),
  })
  .describe('An optimizer step was made, one of those that training.logEvery selects.');
export const evaluationEvent = z
  .strictObject({
    ...eventBase,
    type: z.literal('evaluation'),
    stage: taskStage,
    loss: z.number().nullable(),
    perplexity: z.number().nullable(),
    accuracy: z.number().nullable(),
  })
  .describe('An evaluation was finished.');
export const checkpointEvent = z
  .strictObject({ ...eventBase, type: z.literal('checkpoint'), step: count })
  .describe('A checkpoint is complete.');
export const heartbeatEvent = z
  .strictObject({ ...eventBase, type: z.literal('heartbeat') })
  .describe('The trainer is alive.');
export const warningEvent = z
  .strictObject({ ...eventBase, type: z.literal('warning'), message: z.string() })
  .describe('Something that the user should know.');
export const trialEvent = z.discriminatedUnion('type', [
  phaseEvent,
  stepEvent,
  evaluationEvent,
  checkpointEvent,
  heartbeatEvent,
  warningEvent,
]);
export type TrialEvent = z.infer<typeof trialEvent>;

export const eventBatch = z.strictObject({ events: z.array(trialEvent).min(1).max(1000) }).describe('What is posted.');
export const eventReceipt = z
  .strictObject({
    accepted: integer,
    lastSeq: integer.describe('everything up to this sequence number is stored'),
  })
  .describe('What a post of events is answered with.');

export const faultSubject = z.enum(['model', 'dataset']);
/** What trials share that can be at fault for all of them. */
export type FaultSubject = z.infer<typeof faultSubject>;

export const trialExit = z
  .strictObject({
    code: integer,
    reason: z.string().describe('one of EXIT_CODES by name'),
    message: z.string().describe('one sentence for the user'),
    resumable: z.boolean(),
    resultSha256: z.string().nullable(),
    subject: faultSubject
      .nullable()
      .default(null)
      .describe('what is at fault, where every trial that shares it would end alike; null: it may be this trial alone'),
  })
  .describe('How the trainer ended: exit.json and, in a cluster, the termination message.');
export type TrialExit = z.infer<typeof trialExit>;

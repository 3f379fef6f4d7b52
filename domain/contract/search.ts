/**
 * The contract between the search workflow and the tuner, a Python worker on a task queue of its own that asks Optuna.
 * One activity, `advance_study`, does everything, and may run again: suggestions are known by their number, and an end
 * that was told before changes nothing.
 */
import { z } from 'zod';
import { count, integer, positive, positiveNumber, text } from './units.ts';

export const TUNER_TASK_QUEUE = 'lamina-tuner';
export const ADVANCE_STUDY = 'advance_study';

export const SAMPLERS = ['tpe', 'random', 'grid', 'cma-es', 'nsga-ii'] as const;
export const PRUNERS = ['median', 'asha', 'hyperband'] as const;

export const scalar = z.union([z.string(), z.number(), z.boolean()]);
export const sampler = z.enum(SAMPLERS);

export const floatRange = z
  .strictObject({
    kind: z.literal('float'),
    low: z.number(),
    high: z.number(),
    log: z.boolean().describe('drawn evenly over its logarithm'),
    step: positiveNumber.nullable().describe('multiples from `low` on'),
  })
  .describe('A real number.');
export const intRange = z
  .strictObject({ kind: z.literal('int'), low: integer, high: integer, log: z.boolean(), step: positive })
  .describe('A whole number.');
export const choices = z
  .strictObject({ kind: z.literal('categorical'), choices: z.array(scalar).min(1) })
  .describe('One of several values.');
/** What one parameter may be. */
export const searchRange = z.discriminatedUnion('kind', [floatRange, intRange, choices]);
export type SearchRange = z.infer<typeof searchRange>;

export const prunerSettings = z
  .strictObject({
    kind: z.enum(PRUNERS),
    every: positive.describe('training steps between looks at a trial'),
    warmupSteps: count.describe('steps before which nothing is pruned'),
    startupTrials: count.describe('median: trials that must have finished first'),
    reductionFactor: z.int().min(2).describe('asha, hyperband: one in so many goes on at each rung'),
    maxSteps: positive.describe("steps of a whole trial, hyperband's largest resource"),
  })
  .describe('When suggestions are given up early. Steps are training steps.');

export const studySpec = z
  .strictObject({
    name: text.describe("unique in the tuner's storage"),
    sampler,
    seed: count,
    directions: z.array(z.enum(['minimize', 'maximize'])).min(1),
    parameters: z.record(z.string(), searchRange).describe('by path of the parameter, e.g. `training.learningRate`'),
    pruner: prunerSettings.nullable(),
  })
  .describe('What is searched, and how; never changes for a name.');
export type StudySpec = z.infer<typeof studySpec>;

export const told = z
  .strictObject({
    number: count,
    state: z.enum(['complete', 'pruned', 'failed']),
    values: z.array(z.number()).nullable().describe('one per direction; null unless complete'),
  })
  .describe('A suggestion that has ended.');
export const studyReport = z
  .strictObject({ number: count, step: positive, value: z.number() })
  .describe('A value on the way, of a suggestion that still runs. Reported again, a step changes nothing.');
export const advanceStudyInput = z
  .strictObject({
    study: studySpec,
    told: z.array(told),
    reports: z.array(studyReport).describe('up to an end that is told with them: what pruners look at'),
    asked: z.array(count).describe('from 0 on without gaps; suggestions that exist are answered as they are'),
  })
  .describe('What is new, and the numbers of the suggestions that are wanted.');
export type AdvanceStudyInput = z.infer<typeof advanceStudyInput>;

export const suggestion = z
  .strictObject({ number: count, parameters: z.record(z.string(), scalar) })
  .describe('A value for every parameter.');
export const finished = z
  .strictObject({ complete: integer, pruned: integer, failed: integer })
  .describe('How many suggestions have ended, by state.');
export const advanceStudyOutput = z
  .strictObject({
    suggestions: z.array(suggestion),
    prune: z.array(count).describe('suggestions that were reported on and are not worth going on with'),
    finished,
  })
  .describe('The suggestions asked for, and those that are not worth going on with.');
export type AdvanceStudyOutput = z.infer<typeof advanceStudyOutput>;

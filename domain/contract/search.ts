/**
 * The contract between the search workflow and the tuner, a Python worker on a task queue of its own that asks Optuna.
 * One activity, `advance_study`, does everything, and may run again: suggestions are known by their number, and an end
 * that was told before changes nothing.
 */
import { z } from 'zod';

export const TUNER_TASK_QUEUE = 'lamina-tuner';
export const ADVANCE_STUDY = 'advance_study';

export const SAMPLERS = ['tpe', 'random', 'grid', 'cma-es', 'nsga-ii'] as const;
export const PRUNERS = ['median', 'asha', 'hyperband'] as const;

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** What one parameter may be. `log`: drawn evenly over its logarithm; `step`: multiples from `low` on. */
export const searchRange = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('float'),
    low: z.number(),
    high: z.number(),
    log: z.boolean(),
    step: z.number().positive().nullable(),
  }),
  z.strictObject({ kind: z.literal('int'), low: z.int(), high: z.int(), log: z.boolean(), step: z.int().min(1) }),
  z.strictObject({ kind: z.literal('categorical'), choices: z.array(scalar).min(1) }),
]);
export type SearchRange = z.infer<typeof searchRange>;

export const prunerSettings = z.strictObject({
  kind: z.enum(PRUNERS),
  /** Training steps between looks at a trial. */
  every: z.int().min(1),
  /** Steps before which nothing is pruned. */
  warmupSteps: z.int().min(0),
  /** median: trials that must have finished first. */
  startupTrials: z.int().min(0),
  /** asha, hyperband: one in so many goes on at each rung. */
  reductionFactor: z.int().min(2),
  /** Steps of a whole trial, hyperband's largest resource. */
  maxSteps: z.int().min(1),
});

export const studySpec = z.strictObject({
  /** Unique in the tuner's storage. */
  name: z.string().min(1),
  sampler: z.enum(SAMPLERS),
  seed: z.int().min(0),
  directions: z.array(z.enum(['minimize', 'maximize'])).min(1),
  /** By path of the parameter, e.g. `training.learningRate`. */
  parameters: z.record(z.string(), searchRange),
  pruner: prunerSettings.nullable(),
});
export type StudySpec = z.infer<typeof studySpec>;

export const advanceStudyInput = z.strictObject({
  study: studySpec,
  /** Suggestions that have ended. `values`: one per direction; null unless complete. */
  told: z.array(
    z.strictObject({
      number: z.int().min(0),
      state: z.enum(['complete', 'pruned', 'failed']),
      values: z.array(z.number()).nullable(),
    }),
  ),
  /** Values on the way, up to an end that is told with them: what pruners look at. Reported again, a step changes nothing. */
  reports: z.array(z.strictObject({ number: z.int().min(0), step: z.int().min(1), value: z.number() })),
  /** Numbers of the suggestions that are wanted, from 0 on without gaps; those that exist are answered as they are. */
  asked: z.array(z.int().min(0)),
});
export type AdvanceStudyInput = z.infer<typeof advanceStudyInput>;

export const advanceStudyOutput = z.strictObject({
  suggestions: z.array(z.strictObject({ number: z.int().min(0), parameters: z.record(z.string(), scalar) })),
  /** Of the suggestions that were reported on: those that are not worth going on with. */
  prune: z.array(z.int().min(0)),
  /** Suggestions that have ended, by state. */
  finished: z.strictObject({ complete: z.int(), pruned: z.int(), failed: z.int() }),
});
export type AdvanceStudyOutput = z.infer<typeof advanceStudyOutput>;

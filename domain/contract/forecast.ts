/** Bodies of forecasts: when trials start and end, how long they take, and how far past forecasts were off. */
import { z } from 'zod';
import { BASES } from '../vocabulary/durations.ts';

const seconds = z.number().nonnegative();
const timestamp = z.iso.datetime({ offset: true });

export const intervalView = z
  .object({ low: z.number().nonnegative(), median: z.number().nonnegative(), high: z.number().nonnegative() })
  .describe('the middle of what is expected, and the interval that holds the value in four of five cases');
export type IntervalView = z.infer<typeof intervalView>;

export const momentView = z.object({ low: timestamp, median: timestamp, high: timestamp });
export type MomentView = z.infer<typeof momentView>;

export const durationView = z.object({
  seconds: intervalView.describe('of one trial of the cell, without waiting'),
  basis: z
    .enum(BASES)
    .describe(
      'what it is made from: trials of the same cell; of the same work per step; scaled from other steps or depths; roughly, from another method or precision of the same model',
    ),
  n: z.number().int().describe('past trials that it is made from'),
});
export type DurationView = z.infer<typeof durationView>;

export const accuracyView = z.object({
  n: z.number().int().describe('past predictions whose outcome is known'),
  medianError: z.number().nullable().describe('half of them were off by less than this share'),
  coverage: z.number().nullable().describe('share of them inside their interval; 0.8 is promised'),
  widening: z
    .number()
    .describe('factor on the log scale by which intervals are widened for it; 1 also below ten checked predictions'),
});
export type AccuracyView = z.infer<typeof accuracyView>;

/** GET /v1/forecast/accuracy */
export const forecastAccuracyView = z.object({
  end: accuracyView.describe('time from submission to the end of an experiment'),
  duration: accuracyView.describe("a trial's duration, one prediction per cell"),
  start: z.object({
    n: z.number().int(),
    medianErrorSeconds: seconds.nullable().describe('time from submission until its first attempt is known to run'),
  }),
});
export type ForecastAccuracyView = z.infer<typeof forecastAccuracyView>;

export const forecastView = z.object({
  madeAt: timestamp,
  start: momentView.nullable().describe('when its first waiting trial starts; null: none waits, or it is not known'),
  end: momentView.nullable().describe('when its last trial ends; null: not known'),
  unknown: z.string().nullable().describe('why start or end are not known'),
  trialsOfOthers: z
    .number()
    .int()
    .describe('trials of other experiments that run or wait and take the same GPUs; 0 where GPUs are not shared'),
  trialHours: intervalView.nullable().describe('of its open trials together'),
  gpuHours: intervalView.nullable().describe('null where trials use no GPU'),
  cost: intervalView.nullable().describe('of its open trials; null without a price'),
  pastError: accuracyView.describe('of the predicted time to the end, over past experiments'),
});
export type ForecastView = z.infer<typeof forecastView>;

export const cellForecastView = z.object({
  cellId: z.string(),
  open: z.number().int().describe('trials that run or wait'),
  duration: durationView.nullable().describe('null: no like trial has run yet'),
  start: momentView.nullable().describe('when the first of its waiting trials starts'),
  end: momentView.nullable(),
});

export const experimentForecastView = forecastView.extend({ cells: z.array(cellForecastView) });
export type ExperimentForecastView = z.infer<typeof experimentForecastView>;

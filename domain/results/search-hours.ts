/** What trials took, for comparisons at equal hours. */

import { trialSeconds } from '../measures/measures.ts';
import type { ComparedTrial } from './input.ts';

/**
 * Hours times GPUs (1 on a CPU) of all attempts of a trial; of the measurement itself where it was taken over, as if
 * it had been made for this. Null where that is not known.
 */
export function hoursOfTrial({ trial, state, result, spent }: ComparedTrial): number | null {
  const measured = result === null ? null : trialSeconds({ result });
  const seconds = state === 'reused' ? measured : (spent?.seconds ?? measured);
  return seconds === null ? null : (seconds / 3600) * Math.max(1, trial.settings.gpus);
}

/** Mean seconds of a step with everything around it, over trials that trained from the first step; null without any. */
export function secondsPerStep(trials: readonly ComparedTrial[]): number | null {
  const each = trials.flatMap(({ result }) =>
    result === null || result.seconds.train === null || result.training.resumedFromStep !== null
      ? []
      : [result.seconds.train / result.training.steps],
  );
  return each.length === 0 ? null : each.reduce((sum, seconds) => sum + seconds, 0) / each.length;
}

/** Hours that the steps which a trial did not do would have taken. */
export function hoursLeft({ trial, spent }: ComparedTrial, stepSeconds: number | null): number | null {
  if (stepSeconds === null || spent?.steps == null) return null;
  const left = Math.max(0, trial.settings.training.steps - spent.steps);
  return ((left * stepSeconds) / 3600) * Math.max(1, trial.settings.gpus);
}

/** Null where one is not known. */
export function total(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}

/** What pruners look at: training losses on the way. */
import type { AdvanceStudyInput } from '../contract/search.ts';
import type { Observation, Study, Suggestion } from './types.ts';

/**
 * Values at multiples of the pruner's `every` that the tuner does not have yet: each the mean of the training losses
 * since the multiple before, of windows that are complete and have a loss.
 *
 * Training loss, because it is there at every step and costs nothing; the held-out loss is known only at the end. It is
 * biased: it is of the batches of these steps (all trials of a study see the same ones in the same order, which is why
 * they compare), it falls below the held-out loss where a trial overfits, and early on it favours what learns fast over
 * what ends best. `warmupSteps` is the guard against the last. Where the objective is to be as high as possible (accuracy), the
 * loss is reported with its sign turned, so that less loss is still better.
 */
export function valuesOnTheWay(
  { spec: { pruner, directions } }: Pick<Study, 'spec'>,
  { number, reportedStep }: Pick<Suggestion, 'number' | 'reportedStep'>,
  losses: Observation['losses'],
): AdvanceStudyInput['reports'] {
  if (pruner === null) return [];
  const sign = directions[0] === 'maximize' ? -1 : 1;
  const { every } = pruner;
  const last = losses.at(-1)?.step ?? 0;
  const reports: AdvanceStudyInput['reports'] = [];
  for (let step = (Math.floor(reportedStep / every) + 1) * every; step <= last; step += every) {
    const window = losses.flatMap(({ step: at, loss }) => (at > step - every && at <= step ? [loss] : []));
    if (window.length === 0 || window.includes(null)) continue;
    const total = window.reduce<number>((sum, loss) => sum + (loss ?? 0), 0);
    reports.push({ number, step, value: (sign * total) / window.length });
  }
  return reports;
}

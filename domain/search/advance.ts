/**
 * One step of a study: what the tuner is to be told and asked. Pure, and fit for workflows: no clock, no randomness.
 *
 * A caller holds the suggestions of a study, in the order of their numbers, and again and again observes their trials,
 * calls `advance`, keeps `suggestions`, asks the tuner with `told`, `reports` and `asked`, and keeps what `answered`
 * makes of the answer, with a `newSuggestion` for each number that is not known yet. `suggestions` must be kept before
 * the tuner is asked: a step that is lost in between and done again then tells the same, even if a person has retried
 * a trial meanwhile.
 */
import type { AdvanceStudyInput, AdvanceStudyOutput } from '../contract/search.ts';
import { valuesOnTheWay } from './reports.ts';
import type { Observation, ParameterValues, Study, Suggestion } from './types.ts';

export interface Advance extends Pick<AdvanceStudyInput, 'told' | 'reports' | 'asked'> {
  /** The same suggestions, with the ends that were observed. */
  readonly suggestions: readonly Suggestion[];
  /** Trials to be stopped: again in every step until they have ended. */
  readonly prune: readonly { readonly trialId: string; readonly message: string }[];
  /** Every suggestion has ended and the tuner knows it, and no other is wanted. */
  readonly done: boolean;
}

/**
 * `suggestions`: all of the study. `observations`: at least of the trials of those that have not ended. `asking`: false
 * where nothing new is to begin; the study is done then once those on the way have ended.
 */
export function advance(
  study: Study,
  suggestions: readonly Suggestion[],
  observations: readonly Observation[],
  { asking }: { readonly asking: boolean } = { asking: true },
): Advance {
  const byTrial = new Map(observations.map((observation) => [observation.trialId, observation]));
  const seen = ({ trialId }: Suggestion) => (trialId === null ? undefined : byTrial.get(trialId));
  const now = suggestions.map((one) => (one.end === null ? { ...one, end: seen(one)?.end ?? null } : one));
  const open = now.filter(({ end }) => end === null);
  return {
    suggestions: now,
    told: now.flatMap(({ number, end, told }) =>
      end === null || told ? [] : [{ number, state: end.state, values: end.values === null ? null : [...end.values] }],
    ),
    // Also of those that are never pruned, and of those whose end is news: others are compared with them.
    reports: now.flatMap((one) =>
      !one.pruning && !one.told ? valuesOnTheWay(study, one, seen(one)?.losses ?? []) : [],
    ),
    asked: asking ? nextNumbers(study, now.length, open.length) : [],
    prune: open.flatMap(({ trialId, pruning, reportedStep }) =>
      pruning && trialId !== null ? [{ trialId, message: `behind other suggestions at step ${reportedStep}` }] : [],
    ),
    done: (now.length >= study.trials || !asking) && now.every(({ end, told }) => end !== null && told),
  };
}

/** The suggestions after the tuner has answered a step. */
export function answered(
  step: Pick<Advance, 'suggestions' | 'told' | 'reports'>,
  { prune }: Pick<AdvanceStudyOutput, 'prune'>,
): readonly Suggestion[] {
  const told = new Set(step.told.map(({ number }) => number));
  const reported = new Map<number, number>();
  for (const { number, step: at } of step.reports) reported.set(number, Math.max(at, reported.get(number) ?? 0));
  return step.suggestions.map((one) => ({
    ...one,
    told: one.told || told.has(one.number),
    reportedStep: Math.max(one.reportedStep, reported.get(one.number) ?? 0),
    pruning: one.pruning || (one.own && prune.includes(one.number)),
  }));
}

/**
 * A suggestion as the tuner answers it. `made`: the trial that tries it, and whether that exists for suggestions alone;
 * or why there can be none.
 */
export function newSuggestion(
  { number, parameters }: { readonly number: number; readonly parameters: ParameterValues },
  made: { readonly trialId: string; readonly own: boolean } | { readonly objection: string },
): Suggestion {
  const further = { number, parameters, told: false, reportedStep: 0, pruning: false };
  if ('trialId' in made) return { ...further, trialId: made.trialId, own: made.own, end: null };
  return { ...further, trialId: null, own: false, end: { state: 'failed', values: null, message: made.objection } };
}

function nextNumbers({ parallel, trials }: Study, known: number, open: number): number[] {
  const wanted = Math.max(0, Math.min(parallel - open, trials - known));
  return Array.from({ length: wanted }, (_, index) => known + index);
}

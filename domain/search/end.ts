/** What the end of a trial means for the suggestion that it tries. */
import type { TrialResult } from '../contract/result.ts';
import * as measures from '../measures/measures.ts';
import type { SearchObjective } from '../spec/search.ts';
import type { TrialState } from '../vocabulary/states.ts';
import type { SuggestionEnd } from './types.ts';

/** How a metric is read from a result. Cost is null without a price. */
export function searchMeasure(objective: SearchObjective, pricePerHour: number | null): measures.Measure {
  return objective === 'cost' ? measures.cost(pricePerHour) : MEASURES[objective];
}

const MEASURES: Readonly<Record<Exclude<SearchObjective, 'cost'>, measures.Measure>> = {
  loss: measures.loss,
  perplexity: measures.perplexity,
  accuracy: measures.accuracy,
  tokensPerSecond: measures.tokensPerSecond,
  peakMemory: measures.peakMemory,
  energy: measures.joulesPerToken,
};

interface SeenTrial {
  readonly state: TrialState;
  readonly message: string | null;
  readonly result: TrialResult | null;
}

/**
 * Null while the trial is open. A trial that failed or was cancelled says nothing about its parameters: failed, which
 * samplers ignore. One that diverged says a lot, but has no value: it is pruned, which samplers that look at pruned
 * trials (tpe) put behind all that were completed; with several objectives they cannot, and it is failed.
 */
export function endOf(
  { state, message, result }: SeenTrial,
  objectives: readonly SearchObjective[],
  pricePerHour: number | null,
): SuggestionEnd | null {
  switch (state) {
    case 'pending':
    case 'running':
    case 'retrying':
      return null;
    case 'succeeded':
    case 'reused':
      return result?.status === 'diverged'
        ? diverged(objectives, message)
        : completed(result, objectives, pricePerHour);
    case 'diverged':
      return diverged(objectives, message);
    case 'pruned':
      return without('pruned', message ?? state);
    case 'failed':
    case 'cancelled':
      return without('failed', message ?? state);
    default:
      throw new TypeError(`unknown state ${state satisfies never}`);
  }
}

function without(state: 'pruned' | 'failed', message: string): SuggestionEnd {
  return { state, values: null, message };
}

function diverged(objectives: readonly SearchObjective[], message: string | null): SuggestionEnd {
  return without(objectives.length === 1 ? 'pruned' : 'failed', message ?? 'diverged');
}

function completed(
  result: TrialResult | null,
  objectives: readonly SearchObjective[],
  pricePerHour: number | null,
): SuggestionEnd {
  if (result === null) return without('failed', 'its result is missing');
  const values: number[] = [];
  for (const objective of objectives) {
    const value = searchMeasure(objective, pricePerHour)({ result });
    if (value === null || !Number.isFinite(value)) return without('failed', `${objective} was not measured`);
    values.push(value);
  }
  return { state: 'complete', values, message: null };
}

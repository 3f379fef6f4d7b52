import type { ExperimentState, TrialState } from '../vocabulary/states.ts';

/** What an experiment ends as, from the states of all its trials; null while one is open. */
export function finalState(
  counts: Readonly<Partial<Record<TrialState, number>>>,
  cancelling: boolean,
): Extract<ExperimentState, 'succeeded' | 'failed' | 'cancelled'> | null {
  const count = (state: TrialState) => counts[state] ?? 0;
  if (count('pending') + count('running') + count('retrying') > 0) return null;
  if (cancelling && count('cancelled') > 0) return 'cancelled';
  if (count('failed') > 0) return 'failed';
  return count('cancelled') > 0 ? 'cancelled' : 'succeeded';
}

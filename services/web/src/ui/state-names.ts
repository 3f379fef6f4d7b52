import type { ExperimentState, TrialState } from '@lamina/domain/vocabulary/states.ts';

const NAMES: Record<ExperimentState, string> = {
  pending: 'Waiting',
  running: 'Running',
  paused: 'Paused',
  cancelling: 'Cancelling',
  succeeded: 'Succeeded',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export function experimentStateName(state: ExperimentState): string {
  return NAMES[state];
}

export const EXPERIMENT_STATE_OPTIONS = [
  { value: '', label: 'Any state' },
  ...Object.entries(NAMES).map(([value, label]) => ({ value, label })),
];

export const STATE_NAMES: Record<TrialState, string> = {
  pending: 'waiting',
  running: 'running',
  retrying: 'waiting to retry',
  succeeded: 'succeeded',
  reused: 'reused',
  diverged: 'diverged',
  pruned: 'pruned',
  failed: 'failed',
  cancelled: 'cancelled',
};

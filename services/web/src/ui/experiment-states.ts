import type { ExperimentState } from '@lamina/domain/vocabulary/states.ts';

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

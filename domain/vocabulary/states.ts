/** The states that trials, experiments and the generation of a dataset go through, and which of them are ends. */

/**
 * A trial is `pending` until it is claimed and its first attempt is about to be launched; `running` from then on, also
 * while that attempt waits for a node or a quota; and `retrying` from the end of an attempt to the start of the next.
 * `pruned`: stopped on the way, because a search found it not worth going on with.
 */
export const TERMINAL_TRIAL_STATES = ['succeeded', 'reused', 'diverged', 'pruned', 'failed', 'cancelled'] as const;
export type TerminalTrialState = (typeof TERMINAL_TRIAL_STATES)[number];
export const TRIAL_STATES = ['pending', 'running', 'retrying', ...TERMINAL_TRIAL_STATES] as const;
export type TrialState = (typeof TRIAL_STATES)[number];

/** `failed`: every trial has ended and at least one of them failed. */
export const TERMINAL_EXPERIMENT_STATES = ['succeeded', 'failed', 'cancelled'] as const;
export const EXPERIMENT_STATES = ['pending', 'running', 'paused', 'cancelling', ...TERMINAL_EXPERIMENT_STATES] as const;
export type ExperimentState = (typeof EXPERIMENT_STATES)[number];

export function trialHasEnded(state: TrialState): state is TerminalTrialState {
  return TERMINAL_TRIAL_STATES.some((terminal) => terminal === state);
}

/** No trial of it is open; a retry or an extension begins it again. */
export function hasEnded(state: ExperimentState): boolean {
  return TERMINAL_EXPERIMENT_STATES.some((terminal) => terminal === state);
}

export const PREPARATION_STATES = ['pending', 'running', 'retrying', 'succeeded', 'failed', 'cancelled'] as const;
export type PreparationState = (typeof PREPARATION_STATES)[number];

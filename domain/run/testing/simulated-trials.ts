/** What the simulated store and runner know of a trial and of an attempt. */
import type { Plan } from '../../contract/trial.ts';
import type { TrialState } from '../../vocabulary/states.ts';
import type { AttemptEnd } from '../types.ts';

export interface StoredTrial {
  state: TrialState;
  attempts: number;
  /** Attempts before this run claimed it. */
  attemptsBefore: number;
  batch: number | null;
  plan: Plan;
  excluded: Set<string>;
}

export interface Running {
  readonly trialId: string;
  readonly attempt: number;
  readonly orphan: boolean;
  stopAsked: boolean;
  silent: boolean;
  end: AttemptEnd | null;
}

/** The trial with this number; neighbours differ in their micro-batch. */
export function pendingTrial(number: number): StoredTrial {
  const plan: Plan = {
    gpuClass: 'small',
    gpus: 1,
    microBatch: 1 + (number % 6),
    accumulation: 2,
    checkpointing: false,
    memoryBytes: 1000,
    excludedNodes: [],
  };
  return { state: 'pending', attempts: 0, attemptsBefore: 0, batch: null, plan, excluded: new Set() };
}

export function trialHasEnded(state: TrialState): boolean {
  return state !== 'pending' && state !== 'running' && state !== 'retrying';
}

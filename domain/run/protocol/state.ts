/**
 * What a run holds: only what is active, plus small counters. It is JSON and outlives a workflow's history, and with that
 * the code that wrote it: what is added here, removed or given another meaning is a new version (`versions.ts`).
 */
import type { AttemptKey } from '../../contract/attempt.ts';
import type { RecordOrder } from '../commands.ts';
import type { EndedAttempt } from '../events.ts';
import type { PlanHint } from '../hints.ts';
import type { ActiveTrial, RunPolicy, TrialPhase } from '../types.ts';

export type RunStatus = 'running' | 'paused' | 'cancelling' | 'ended';

export interface InFlight {
  /** Trials whose outcomes are being recorded. */
  readonly recording: readonly string[];
  /** `RunState.wakes` when the claim was made: an empty answer is stale if it was woken since. */
  readonly claim: { readonly limit: number; readonly wakes: number } | null;
  readonly setState: boolean;
  readonly finish: { readonly wakes: number } | null;
}

/** Version of `RunState`. */
export const STATE_VERSION = 2;

export interface RunState {
  readonly version: typeof STATE_VERSION;
  readonly policy: RunPolicy;
  readonly status: RunStatus;
  readonly active: Readonly<Record<string, ActiveTrial>>;
  readonly records: readonly RecordOrder[];
  readonly stops: readonly AttemptKey[];
  /** The status is not in the store yet. */
  readonly statusUnsaved: boolean;
  /** Pending trials are to be cancelled in the store. */
  readonly cancelPending: boolean;
  /** The dispatch whose result has not come yet: there is one at a time. */
  readonly inFlight: InFlight | null;
  readonly nextBatch: number;
  /** The last claim emptied the pool. */
  readonly exhausted: boolean;
  readonly wakes: number;
  readonly reconcileDue: boolean;
  /** The store refused to finish: look again at the next reconciliation. */
  readonly finishHeld: boolean;
  /** Ends of attempts that may belong to the claim in flight: a signal can overtake the claim's answer. */
  readonly early: readonly EndedAttempt[];
  readonly hints: Readonly<Record<string, PlanHint>>;
  readonly recorded: number;
}

export function initialState(policy: RunPolicy, status: Exclude<RunStatus, 'ended'>): RunState {
  return {
    version: STATE_VERSION,
    policy,
    status,
    active: {},
    records: [],
    stops: [],
    statusUnsaved: false,
    cancelPending: status === 'cancelling',
    inFlight: null,
    nextBatch: 1,
    exhausted: false,
    wakes: 0,
    reconcileDue: false,
    finishHeld: false,
    early: [],
    hints: {},
    recorded: 0,
  };
}

const ALIVE: ReadonlySet<TrialPhase> = new Set<TrialPhase>(['launching', 'running', 'stopping']);

/** Whether an attempt of the trial may be alive. */
export function isAlive(trial: ActiveTrial): boolean {
  return ALIVE.has(trial.phase);
}

export function aliveCount(state: Pick<RunState, 'active'>): number {
  let count = 0;
  for (const id in state.active) if (isAlive(state.active[id] as ActiveTrial)) count += 1;
  return count;
}

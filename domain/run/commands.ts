/** What the reducer asks for: one batch at a time, executed in the order of these fields. */
import type { AttemptKey } from '../contract/attempt.ts';
import type { AttemptEnd } from '../contract/runner.ts';
import type { Plan } from '../contract/trial.ts';
import type { TerminalTrialState } from '../vocabulary/states.ts';
import type { PlanHint } from './hints.ts';

export interface RecordOrder extends AttemptKey {
  /** How the attempt ended; null where none was alive (a waiting trial was cancelled). */
  readonly end: AttemptEnd | null;
  /** What the trial ends as; null where it goes on with another attempt. */
  readonly state: TerminalTrialState | null;
  readonly message: string | null;
}

export interface LaunchOrder extends AttemptKey {
  readonly plan: Plan;
}

export interface ClaimOrder {
  /** The same number again answers the same trials. */
  readonly batch: number;
  readonly limit: number;
  /** Plans that worked, by like key. */
  readonly hints: Readonly<Record<string, PlanHint>>;
}

export interface RunCommands {
  readonly setState: 'running' | 'paused' | 'cancelling' | null;
  readonly records: readonly RecordOrder[];
  readonly stops: readonly AttemptKey[];
  readonly cancelPending: boolean;
  readonly launches: readonly LaunchOrder[];
  /** Claimed trials are launched at once. */
  readonly claim: ClaimOrder | null;
  readonly reconcile: boolean;
  /** End the experiment, if the store agrees that no trial is open; whatever is still alive is stopped. */
  readonly finish: { readonly cancelling: boolean } | null;
}

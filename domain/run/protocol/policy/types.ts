import type { AttemptEnd } from '../../../contract/runner.ts';
import type { Plan } from '../../../contract/trial.ts';
import type { ActiveTrial, RunPolicy } from '../../types.ts';

export interface Failure {
  readonly trial: ActiveTrial;
  readonly end: AttemptEnd;
  readonly policy: RunPolicy;
}

export type Decision =
  | { readonly action: 'fail'; readonly message: string }
  | {
      readonly action: 'retry';
      readonly delayMs: number;
      /** A changed plan; the old one where absent. */
      readonly plan?: Plan;
      /** The failure uses up one of the user's retries. */
      readonly strike?: true;
      readonly stall?: true;
    };

/** What to do about one class of failure. Pure. */
export type FailurePolicy = (failure: Failure) => Decision;

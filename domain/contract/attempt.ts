/** How an attempt is named, wherever it is spoken of. */

/** Names an attempt within its experiment. */
export interface AttemptKey {
  readonly trialId: string;
  /** Counted from 1. */
  readonly attempt: number;
}

/** Names an attempt among all. Made by `attemptRef`: its id follows from the rest. */
export interface AttemptRef extends AttemptKey {
  readonly experimentId: string;
  readonly attemptId: string;
}

/**
 * The trial's hash is shortened to 16 hex digits in the id (unique within an experiment), so that the id fits into
 * addresses, file names and cluster labels.
 */
export function attemptRef(experimentId: string, { trialId, attempt }: AttemptKey): AttemptRef {
  return { experimentId, trialId, attempt, attemptId: `${experimentId}-${trialId.slice(0, 16)}-${attempt}` };
}

/** The name alone of something that holds more than it. */
export function refOf({ experimentId, trialId, attempt, attemptId }: AttemptRef): AttemptRef {
  return { experimentId, trialId, attempt, attemptId };
}

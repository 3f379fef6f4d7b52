/** Errors of the store that a caller can act on. */

/** The idempotency key was used before, for another body. */
export class IdempotencyConflict extends Error {
  override name = 'IdempotencyConflict';
}

/** No worker has said yet where trials run. */
export class NoWorker extends Error {
  override name = 'NoWorker';
}

/** The cursor does not come from this list. */
export class InvalidCursor extends Error {
  override name = 'InvalidCursor';
}

export class UnknownExperiment extends Error {
  override name = 'UnknownExperiment';
}

export class UnknownAttempt extends Error {
  override name = 'UnknownAttempt';
}

/** Events of an attempt that has been recorded as ended. */
export class AttemptEnded extends Error {
  override name = 'AttemptEnded';
}

/** The experiment's document is not the one that the change was made from. */
export class DocumentChanged extends Error {
  override name = 'DocumentChanged';
}

/**
 * Errors of activities that no later try could heal, because what they were asked for is wrong in itself. Temporal does
 * not try again, and the run or search that asked ends. Whatever an operator, another worker or time may mend is any
 * other error: it is tried again for ever, and the experiment says that it is blocked.
 */
import { UnknownExperiment } from '@lamina/platform/application/ports/errors.ts';
import { ApplicationFailure } from '@temporalio/common';

type FinalError =
  | 'UnknownExperiment'
  | 'UnknownTrial'
  | 'UnknownCell'
  | 'UnknownStudy'
  | 'UnknownPreparation'
  | 'MalformedInput';

export function finalError(type: FinalError, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, type);
}

/** The error as Temporal gets it: those of the store that are final by their nature are made so. */
export function typed(error: unknown): unknown {
  return error instanceof UnknownExperiment ? finalError('UnknownExperiment', error.message) : error;
}

export function isFinal(error: unknown): error is ApplicationFailure {
  return error instanceof ApplicationFailure && error.nonRetryable === true;
}

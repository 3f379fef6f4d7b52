/** Translates errors of Temporal's client into those of the port. */
import { isGrpcServiceError, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ControlUnavailable, ExperimentNotRunning } from '../../application/ports/control.ts';

/** Codes of gRPC that say that the request itself was wrong: asking again would not help. */
const OWN_MISTAKES: ReadonlySet<number> = new Set([
  3, // INVALID_ARGUMENT
  5, // NOT_FOUND
  6, // ALREADY_EXISTS
  7, // PERMISSION_DENIED
  12, // UNIMPLEMENTED
  16, // UNAUTHENTICATED
]);
/** Codes with which Temporal answers at once, and may answer otherwise in a moment. */
const PASSING: ReadonlySet<number> = new Set([
  8, // RESOURCE_EXHAUSTED: "workflow is busy"
  9, // FAILED_PRECONDITION: "workflow not ready"
  10, // ABORTED
]);

export function translated(error: unknown): unknown {
  if (error instanceof WorkflowNotFoundError) {
    return new ExperimentNotRunning('the experiment is not running', { cause: error });
  }
  const code = codeOf(error);
  if (isUnheard(error) || (code !== null && !OWN_MISTAKES.has(code))) {
    return new ControlUnavailable('Temporal, or the worker that runs experiments, did not answer in time', {
      cause: error,
    });
  }
  return error;
}

/** Worth asking again within the deadline. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  return isUnheard(error) || (code !== null && PASSING.has(code));
}

/** No update of ours fails by itself: that one did says that the worker ended, or lost the workflow, while it had it. */
function isUnheard(error: unknown): boolean {
  return error instanceof WorkflowUpdateFailedError;
}

/** Status code of gRPC, at any depth of causes. */
function codeOf(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  return isGrpcServiceError(error) ? error.code : codeOf(error.cause);
}

import { ControlUnavailable, ExperimentNotRunning } from '@lamina/platform/application/ports/control.ts';
import {
  AttemptEnded,
  IdempotencyConflict,
  InvalidCursor,
  NoWorker,
  UnknownAttempt,
  UnknownExperiment,
} from '@lamina/platform/application/ports/errors.ts';
import { InvalidDocument } from '@lamina/platform/application/submission/invalid-document.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { ApiError, ERRORS, type ErrorCode, type RequestIssue, toProblem } from './errors.ts';

/** Answers with a problem document; what nobody foresaw is logged whole and told in one sentence. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = toApiError(error);
  if (ERRORS[known.code].status >= 500) request.log.error({ err: error, code: known.code }, 'request failed');
  const problem = toProblem(known, request.id);
  reply
    .code(problem.status)
    .headers(known.headers)
    .type('application/problem+json')
    // Ready text: a route's response schemas do not describe problems.
    .send(JSON.stringify(problem));
}

const STORE_ERRORS: readonly (readonly [new (message: string) => Error, ErrorCode])[] = [
  [IdempotencyConflict, 'idempotency-conflict'],
  [InvalidCursor, 'invalid-cursor'],
  [UnknownExperiment, 'experiment-not-found'],
  [UnknownAttempt, 'attempt-not-found'],
  [AttemptEnded, 'attempt-ended'],
  [NoWorker, 'engine-unavailable'],
  [ExperimentNotRunning, 'experiment-ended'],
];

/** Fastify's and its plugins' own errors, by their code. */
const FASTIFY_ERRORS: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed-body',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed-body',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed-body',
  FST_UNDER_PRESSURE: 'overloaded',
};

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ControlUnavailable) {
    return new ApiError('engine-unavailable', error.message, { headers: { 'retry-after': '5' } });
  }
  if (error instanceof InvalidDocument)
    return new ApiError('invalid-document', error.message, { errors: error.issues });
  if (hasZodFastifySchemaValidationErrors(error)) {
    return new ApiError('invalid-request', undefined, { errors: requestIssues(error) });
  }
  if (!(error instanceof Error)) return new ApiError('internal');
  const match = STORE_ERRORS.find(([type]) => error instanceof type);
  if (match !== undefined) return new ApiError(match[1], error.message);
  const { code, statusCode } = error as Error & { code?: string; statusCode?: number };
  const mapped = code === undefined ? undefined : FASTIFY_ERRORS[code];
  if (mapped !== undefined) return new ApiError(mapped, error.message);
  if (error instanceof SyntaxError && statusCode === 400) return new ApiError('malformed-body', error.message);
  if (statusCode === 406) return new ApiError('not-acceptable', error.message);
  if (statusCode === 429) return new ApiError('too-many-requests', error.message);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ApiError('invalid-request', error.message);
  }
  return new ApiError('internal');
}

function requestIssues(error: {
  validation: readonly { instancePath: string; message?: string | undefined }[];
  validationContext?: string | undefined;
}): readonly RequestIssue[] {
  const part = error.validationContext === 'querystring' ? 'query' : (error.validationContext ?? 'body');
  return error.validation.map(({ instancePath, message }) => ({
    path: `${part === 'params' ? 'path' : part}${instancePath.replaceAll('/', '.')}`,
    message: message ?? 'is not valid',
  }));
}

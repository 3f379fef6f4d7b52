import type { Problem } from '@lamina/domain/contract/api.ts';

interface Kind {
  readonly status: number;
  readonly title: string;
  /** What a caller can do about it. */
  readonly remedy: string;
}

/** Every error the API answers with, by its stable code. `docs/errors.md` is written from here. */
export const ERRORS = {
  'invalid-document': {
    status: 422,
    title: 'The experiment document has mistakes',
    remedy: '`errors` lists all of them, each with its path and, where one is known, a fix.',
  },
  'invalid-request': {
    status: 400,
    title: 'The request has mistakes',
    remedy: '`errors` lists all of them; paths start with body, query, path or headers.',
  },
  'malformed-body': { status: 400, title: 'The body is not valid JSON', remedy: 'Correct the body; nothing was read.' },
  'invalid-cursor': {
    status: 400,
    title: 'The cursor is not of this list',
    remedy: 'Begin again without a cursor, or pass `nextCursor` of the page before unchanged.',
  },
  unauthorized: {
    status: 401,
    title: 'The token does not open this attempt',
    remedy: 'Send the token the attempt was started with: `Authorization: Bearer …`.',
  },
  'cross-site': {
    status: 403,
    title: 'Another site’s page may not change anything here',
    remedy: 'Use the dashboard, the command line, or a client outside a browser.',
  },
  'route-not-found': { status: 404, title: 'There is nothing at this address', remedy: 'See /docs for all addresses.' },
  'experiment-not-found': {
    status: 404,
    title: 'There is no such experiment',
    remedy: 'List experiments for their ids.',
  },
  'trial-not-found': {
    status: 404,
    title: 'The experiment has no such trial',
    remedy: 'List the trials of the experiment for their ids.',
  },
  'nothing-prepared': {
    status: 404,
    title: 'The experiment reads a dataset that was there',
    remedy: 'Only data of `dataset.source: generated` have a preparation.',
  },
  'attempt-not-found': {
    status: 404,
    title: 'There is no such attempt',
    remedy: 'List the attempts of the experiment for their ids.',
  },
  'device-not-set-aside': {
    status: 404,
    title: 'No such GPU is set aside',
    remedy: 'List the GPUs: those that are set aside say so, with their UUID.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'The address does not take this method',
    remedy: 'The `Allow` header names the methods it takes.',
  },
  'not-acceptable': {
    status: 406,
    title: 'None of the accepted media types can be given',
    remedy: 'Accept one of those named in `detail`.',
  },
  'experiment-ended': {
    status: 409,
    title: 'The experiment has ended',
    remedy: 'Retry or extend it, or submit a new one.',
  },
  'experiment-cancelling': {
    status: 409,
    title: 'The experiment is being cancelled',
    remedy: 'Wait until it is cancelled, then retry or extend it.',
  },
  'dataset-not-ready': {
    status: 409,
    title: 'The dataset of the experiment is not generated yet',
    remedy: 'Wait until it is; retry the experiment where generation has failed.',
  },
  'idempotency-conflict': {
    status: 409,
    title: 'The idempotency key was used for another request',
    remedy: 'Use a new key for a new request; repeat a request unchanged.',
  },
  'attempt-ended': {
    status: 410,
    title: 'The attempt has ended and takes no more events',
    remedy: 'Stop posting: its outcome is recorded.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    remedy: 'Keep data in files and name them in the document; post fewer events at once.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is of a type that is not read here',
    remedy: 'Send application/json or, for documents, application/yaml.',
  },
  'wrong-host': {
    status: 421,
    title: 'This server does not answer to that host name',
    remedy:
      'Use 127.0.0.1 or localhost, or a name of LAMINA_ALLOWED_HOSTS where the API is a process of its own: others are refused, as pages could forge them.',
  },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests',
    remedy: 'Wait as many seconds as `Retry-After` says.',
  },
  internal: {
    status: 500,
    title: 'Something failed inside the server',
    remedy: 'The log has the details under the id that the answer’s `instance` names.',
  },
  overloaded: {
    status: 503,
    title: 'The server is too busy',
    remedy: 'Wait as many seconds as `Retry-After` says.',
  },
  'engine-unavailable': {
    status: 503,
    title: 'The engine that runs experiments does not answer',
    remedy: 'Nothing is lost; repeat the request when Temporal and the worker are back.',
  },
} as const satisfies Record<string, Kind>;

export type ErrorCode = keyof typeof ERRORS;
export type RequestIssue = NonNullable<Problem['errors']>[number];

/** An answer of the kind RFC 9457 describes; throw it anywhere in a request. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly code: ErrorCode;
  readonly errors: readonly RequestIssue[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    detail?: string,
    more: { errors?: readonly RequestIssue[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail ?? '', { cause: more.cause });
    this.code = code;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }
}

export function toProblem(error: ApiError, instance: string): Problem {
  const { status, title } = ERRORS[error.code];
  return {
    type: `urn:lamina:error:${error.code}`,
    title,
    status,
    code: error.code,
    instance,
    ...(error.message === '' ? {} : { detail: error.message }),
    ...(error.errors === undefined ? {} : { errors: [...error.errors] }),
  };
}

/** The text of `docs/errors.md`. */
export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title, remedy }]) => `| \`${code}\` | ${status} | ${title}. | ${remedy} |`,
  );
  return [
    '# Errors',
    '',
    'Every error is an RFC 9457 problem document (`application/problem+json`). Its `code` is stable: match on it, not on',
    'texts. `detail` says what was wrong this time; `errors` lists every mistake at once; `instance` is the request’s id,',
    'as it is in the log.',
    '',
    'This page is written from `services/api/src/errors.ts` by `npm run generate`.',
    '',
    '| code | status | meaning | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

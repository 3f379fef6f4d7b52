/** What the API server can answer that is not what was asked for, told apart as far as callers act on it. */
import { z } from 'zod';

export const CLUSTER_ERROR_KINDS = [
  'not-found',
  'already-exists',
  /** Somebody changed the object in between. */
  'conflict',
  /** 403: the account lacks a permission. */
  'lacks-permission',
  /** 403: a ResourceQuota is used up, or not counted yet. The object may be accepted later. */
  'quota',
  /** Any other 403: an admission check refuses the object as it is. */
  'denied',
  /** The object or the request is malformed. */
  'invalid',
  /** The resource version is too old: list again. */
  'gone',
  'unauthorized',
  'too-many-requests',
  'server',
  /** No answer: connection refused, reset or timed out. */
  'unreachable',
] as const;
export type ClusterErrorKind = (typeof CLUSTER_ERROR_KINDS)[number];

export interface RequestName {
  readonly verb: string;
  readonly resource: string;
}

export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly kind: ClusterErrorKind;
  readonly request: RequestName;
  /** HTTP status; null where there was no answer. */
  readonly status: number | null;
  /** What the server asks to wait before the next try; null where it does not say. */
  readonly retryAfterMs: number | null;

  constructor(
    kind: ClusterErrorKind,
    message: string,
    request: RequestName,
    more: { status?: number; retryAfterMs?: number | null; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.kind = kind;
    this.request = request;
    this.status = more.status ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
  }
}

export function isClusterError(error: unknown, ...kinds: readonly ClusterErrorKind[]): error is ClusterError {
  return error instanceof ClusterError && (kinds.length === 0 || kinds.includes(error.kind));
}

const statusDocument = z.object({ message: z.string().default(''), reason: z.string().default('') });

const QUOTA = /exceeded quota: |status unknown for quota: /;

/** Does a ResourceQuota refuse the object, so that it may be accepted later? */
export function isQuotaRefusal(message: string): boolean {
  return QUOTA.test(message);
}

const LACKS_PERMISSION = /cannot (\w+) resource "([^"]+)"/;

/** `body` is the answer's text: a Status object, or whatever a proxy in between says. */
export function errorOf(
  status: number,
  body: string,
  request: RequestName,
  retryAfter: string | null,
  nowMs: number,
): ClusterError {
  const { message, reason } = parseStatus(body);
  const kind = kindOf(status, reason, message);
  return new ClusterError(kind, sentenceOf(kind, status, message, request), request, {
    status,
    retryAfterMs: retryAfterMs(retryAfter, nowMs),
  });
}

function parseStatus(body: string): z.infer<typeof statusDocument> {
  try {
    return statusDocument.parse(JSON.parse(body));
  } catch {
    return { message: body.trim().slice(0, 300), reason: '' };
  }
}

function kindOf(status: number, reason: string, message: string): ClusterErrorKind {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return 'invalid';
    case 401:
      return 'unauthorized';
    case 403:
      if (LACKS_PERMISSION.test(message)) return 'lacks-permission';
      return isQuotaRefusal(message) ? 'quota' : 'denied';
    case 404:
      return 'not-found';
    case 409:
      return reason === 'AlreadyExists' ? 'already-exists' : 'conflict';
    case 410:
      return 'gone';
    case 429:
      return 'too-many-requests';
    default:
      return 'server';
  }
}

function sentenceOf(kind: ClusterErrorKind, status: number, message: string, { verb, resource }: RequestName): string {
  const said = message === '' ? `HTTP ${status}` : message;
  if (kind !== 'lacks-permission') return said;
  const [, missing = verb, of = resource] = LACKS_PERMISSION.exec(message) ?? [];
  return `The account has no permission to ${missing} ${of}: ${said}`;
}

/** `Retry-After` is seconds or a date. */
function retryAfterMs(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/** The REST API as functions. Answers are checked against the contract. */
import { randomUUID } from 'node:crypto';
import {
  actionView,
  experimentDetail,
  experimentView,
  page,
  preparationView,
  previewView,
  problem,
  trialDetail,
  trialView,
} from '@lamina/domain/contract/api.ts';
import { estimateView } from '@lamina/domain/contract/estimate.ts';
import { gpuInventoryView } from '@lamina/domain/contract/gpus.ts';
import { searchView } from '@lamina/domain/contract/search-view.ts';
import type { Comparison } from '@lamina/domain/results/types.ts';
import pRetry, { AbortError } from 'p-retry';
import type { z } from 'zod';
import { CliError, ProblemError } from './errors.ts';
import { eventStream, type NumberedEvent } from './event-stream.ts';
import { EXIT_CODES } from './exit-codes.ts';

export interface Submission {
  readonly document: string;
  readonly baseDirectory: string;
  readonly reuse: boolean;
}
export type ComparisonFormat = 'json' | 'csv' | 'md' | 'html';
type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface RequestOptions {
  readonly method?: 'GET' | 'POST';
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const PAGE = 1000;
/** A request that reached a server which then went away, or said "not now", is tried again; it has a key or only reads. */
const RETRIES = { retries: 3, minTimeout: 200, factor: 2 } as const;
const TRY_AGAIN: readonly number[] = [429, 502, 503, 504];

export type Client = ReturnType<typeof createClient>;

/** @param url address of the server, e.g. http://127.0.0.1:7070 */
export function createClient(url: string) {
  const base = url.replace(/\/+$/, '');
  const experiments = page(experimentView);
  const trials = page(trialView);

  async function send(path: string, options: RequestOptions = {}): Promise<Response> {
    const address = `${base}/v1/${path}${queryText(options.query)}`;
    const { method = 'GET', body, headers = {}, signal } = options;
    const init: RequestInit = {
      method,
      headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    };
    return pRetry(() => sendOnce(base, address, init), signal === undefined ? RETRIES : { ...RETRIES, signal });
  }

  async function json<T extends z.ZodType>(
    schema: T,
    path: string,
    options: RequestOptions = {},
  ): Promise<z.output<T>> {
    const response = await send(path, options);
    const read = schema.safeParse(await response.json().catch(() => undefined));
    if (read.success) return read.data;
    const where = read.error.issues[0]?.path.join('.') || 'the whole answer';
    throw new CliError(`the server's answer to /v1/${path} is not understood (${where})`, EXIT_CODES.serverError, {
      fix: 'use the lamina command of the same version as the server',
    });
  }

  const act = (id: string, action: string, body?: unknown) =>
    json(actionView, `experiments/${encodeURIComponent(id)}/${action}`, { method: 'POST', body: body ?? {} });

  return {
    url: base,
    submit: (body: Submission, idempotencyKey: string = randomUUID()) =>
      json(experimentDetail, 'experiments', { method: 'POST', body, headers: { 'idempotency-key': idempotencyKey } }),
    preview: (body: Submission) => json(previewView, 'experiments/preview', { method: 'POST', body }),
    estimate: (body: Omit<Submission, 'reuse'>) => json(estimateView, 'estimates', { method: 'POST', body }),
    gpus: () => json(gpuInventoryView, 'gpus'),
    takeBack: (device: string) =>
      json(gpuInventoryView, `gpus/${encodeURIComponent(device)}/take-back`, { method: 'POST', body: {} }),
    list: (query: Query) => json(experiments, 'experiments', { query }),
    show: (id: string) => json(experimentDetail, `experiments/${encodeURIComponent(id)}`),
    preparation: (id: string) => json(preparationView, `experiments/${encodeURIComponent(id)}/preparation`),
    pause: (id: string) => act(id, 'pause'),
    resume: (id: string) => act(id, 'resume'),
    cancel: (id: string) => act(id, 'cancel'),
    retry: (id: string, body: { states?: readonly string[]; trialIds?: readonly string[] }) => act(id, 'retry', body),
    extend: (id: string, matrix: Readonly<Record<string, readonly unknown[]>>) => act(id, 'extend', { matrix }),
    search: (id: string, query: Query) => json(searchView, `experiments/${encodeURIComponent(id)}/search`, { query }),
    trial: (id: string, trialId: string) =>
      json(trialDetail, `experiments/${encodeURIComponent(id)}/trials/${encodeURIComponent(trialId)}`),

    /** Every trial of an experiment, page by page. */
    async trials(id: string): Promise<z.output<typeof trialView>[]> {
      const items: z.output<typeof trialView>[] = [];
      let cursor: string | undefined;
      do {
        const next = await json(trials, `experiments/${encodeURIComponent(id)}/trials`, {
          query: { limit: PAGE, cursor },
        });
        items.push(...next.items);
        cursor = next.nextCursor ?? undefined;
      } while (cursor !== undefined);
      return items;
    },

    async comparison(id: string, query: Query = {}): Promise<Comparison> {
      const response = await send(`experiments/${encodeURIComponent(id)}/comparison.json`, { query });
      return (await response.json()) as Comparison;
    },
    async comparisonText(id: string, format: ComparisonFormat, query: Query = {}): Promise<string> {
      const path = `experiments/${encodeURIComponent(id)}/comparison.${format}`;
      return (await send(path, { query, headers: { accept: '*/*' } })).text();
    },

    /** A log as it is written, chunk by chunk. */
    async *log(path: string, query: Query, signal: AbortSignal): AsyncGenerator<string> {
      const response = await send(path, { query, headers: { accept: 'text/plain' }, signal });
      if (response.body === null) return;
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) yield chunk;
    },

    /** Everything that happens in an experiment, from its beginning, across lost connections. */
    events: (id: string, signal: AbortSignal, onLost: (waitMs: number) => void): AsyncGenerator<NumberedEvent> =>
      eventStream({
        connect: (lastEventId) =>
          sendOnce(base, `${base}/v1/experiments/${encodeURIComponent(id)}/events`, {
            signal,
            headers: { accept: 'text/event-stream', ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }) },
          }),
        signal,
        onLost,
      }),
  };
}

async function sendOnce(base: string, address: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, init);
  } catch (error) {
    if (init.signal?.aborted) throw new AbortError(error as Error);
    const unreachable = unreachableError(base, error);
    // Nobody listens: trying again at once would only delay the message.
    throw /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|Invalid URL/.test(unreachable.detail)
      ? new AbortError(unreachable.error)
      : unreachable.error;
  }
  if (response.ok) return response;
  const error = await problemOf(response);
  throw TRY_AGAIN.includes(response.status) ? error : new AbortError(error);
}

function unreachableError(base: string, error: unknown): { error: CliError; detail: string } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const detail = `${code} ${cause instanceof Error ? cause.message : String(cause)}`.trim();
  return {
    detail,
    error: new CliError(`no Lamina server answers at ${base}`, EXIT_CODES.unreachable, {
      fix: 'start one with `lamina up`, or name another with --url or LAMINA_URL',
      cause: error,
    }),
  };
}

async function problemOf(response: Response): Promise<CliError> {
  const read = problem.safeParse(await response.json().catch(() => undefined));
  if (read.success) return new ProblemError(read.data);
  const exitCode = response.status === 404 ? EXIT_CODES.notFound : EXIT_CODES.serverError;
  return new CliError(`the server answered ${response.status} ${response.statusText}`.trimEnd(), exitCode, {
    fix: 'is a Lamina server at this address? See --url',
  });
}

function queryText(query: Query = {}): string {
  const given = Object.entries(query).filter((entry) => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}

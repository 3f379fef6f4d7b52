/** HTTP to the API server over connections that are kept, authenticated as the kubeconfig says. */
import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent, type Dispatcher, request } from 'undici';
import { ClusterError, errorOf, type RequestName } from './errors.ts';

export interface Call extends RequestName {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly query: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal: AbortSignal;
  /** Without a byte for this long the answer counts as lost, milliseconds. */
  readonly silenceMs: number;
}

export interface Transport {
  /** The answer's body where its status is 2xx; everything else is a ClusterError. */
  send(call: Call): Promise<Dispatcher.ResponseData['body']>;
  close(): Promise<void>;
}

/** Tokens and certificates in files are renewed by others: looked at again after this long. */
const CREDENTIALS_MS = 60_000;

interface Credentials {
  readonly fingerprint: string;
  readonly dispatcher: Dispatcher;
  readonly headers: Record<string, string>;
  readonly untilMs: number;
}

export function createTransport(kubeConfig: KubeConfig): Transport {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) throw new Error('The kubeconfig names no current cluster.');
  const server = cluster.server.replace(/\/$/, '');
  let credentials: Promise<Credentials> | null = null;

  async function load(previous: Credentials | null): Promise<Credentials> {
    const context = new RequestContext(server, HttpMethod.GET);
    await kubeConfig.applySecurityAuthentication(context);
    const tls: RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(tls);
    const fingerprint = fingerprintOf(tls);
    const untilMs = performance.now() + CREDENTIALS_MS;
    const headers = { ...context.getHeaders() };
    if (previous !== null && previous.fingerprint === fingerprint) return { ...previous, headers, untilMs };
    // Requests in flight end on the old connections.
    previous?.dispatcher.close().catch(() => undefined);
    return { fingerprint, dispatcher: context.getDispatcher() ?? new Agent(), headers, untilMs };
  }

  async function current(): Promise<Credentials> {
    const known = credentials === null ? null : await credentials.catch(() => null);
    if (known !== null && known.untilMs > performance.now()) return known;
    credentials = load(known);
    return credentials;
  }

  async function answer(call: Call): Promise<Dispatcher.ResponseData> {
    const { dispatcher, headers } = await current();
    const url = new URL(server + call.path);
    for (const [key, value] of Object.entries(call.query)) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    return request(url, {
      dispatcher,
      method: call.method,
      headers: { ...headers, accept: call.accept ?? 'application/json', 'content-type': 'application/json' },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      signal: call.signal,
      headersTimeout: 30_000,
      bodyTimeout: call.silenceMs,
    });
  }

  return {
    async send(call) {
      let response: Dispatcher.ResponseData;
      try {
        response = await answer(call);
      } catch (error) {
        call.signal.throwIfAborted();
        throw unreachable(error, call);
      }
      const { statusCode, body, headers } = response;
      if (statusCode >= 200 && statusCode < 300) return body;
      if (statusCode === 401) credentials = null;
      const text = await body.text().catch(() => '');
      const retryAfter = headers['retry-after'];
      throw errorOf(statusCode, text, call, typeof retryAfter === 'string' ? retryAfter : null, Date.now());
    },
    async close() {
      const known = credentials === null ? null : await credentials.catch(() => null);
      await known?.dispatcher.destroy();
    },
  };
}

export function unreachable(error: unknown, call: RequestName): ClusterError {
  const why = error instanceof Error ? error.message : String(error);
  return new ClusterError('unreachable', `The API server does not answer: ${why}`, call, { cause: error });
}

function fingerprintOf(tls: RequestOptions): string {
  const hash = createHash('sha256');
  for (const part of [tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized]) hash.update(`${part}\n`);
  return hash.digest('hex');
}

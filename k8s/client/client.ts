/**
 * The operations on a cluster that are used here: over kept connections, at a limited rate, tried again where that can
 * help, with errors that callers can tell apart.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import type { KubernetesSettings } from '../settings/settings.ts';
import { type ClusterErrorKind, errorOf, isClusterError, type RequestName } from './errors.ts';
import { linesOf } from './lines.ts';
import { decodeMessage, decodeObject, framesOf, type MessageShape, PROTOBUF } from './protobuf.ts';
import { RateLimit } from './rate-limit.ts';
import { type ClusterObject, PODS, pathOf, type Resource } from './resources.ts';
import { RETRY, type RetryPolicy, retrying } from './retry.ts';
import { METADATA_ONLY, pageOf, STATUS, WATCH_EVENT } from './shapes.ts';
import { type Call, createTransport, unreachable } from './transport.ts';

export interface ClusterLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Selection {
  /** Null: all namespaces. The configured one where absent. */
  readonly namespace?: string | null;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Only names, labels, annotations: for finding out what is there. Lists alone can do with that. */
  readonly metadataOnly?: boolean;
}

export interface Listed<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

export interface DeleteOptions {
  readonly propagationPolicy?: 'Background';
  readonly gracePeriodSeconds?: number;
  readonly uid?: string | undefined;
}

export interface LogOptions {
  readonly container: string;
  readonly tailLines?: number;
  readonly limitBytes?: number;
}

export interface ClusterClient {
  readonly namespace: string;
  /** Requests sent so far, tries counted each, by `<verb> <resource>`. */
  readonly requests: ReadonlyMap<string, number>;
  /** Reads in pages; `slim` is applied to each object as it comes, so that a long list stays small in memory. */
  list<T extends ClusterObject>(
    resource: Resource<T>,
    selection: Selection,
    slim?: (object: T) => T,
  ): Promise<Listed<T>>;
  get<T extends ClusterObject>(resource: Resource<T>, name: string): Promise<T>;
  create<T extends ClusterObject>(resource: Resource<T>, body: T): Promise<T>;
  replace<T extends ClusterObject>(resource: Resource<T>, name: string, body: T): Promise<T>;
  /** True where there was something to delete. */
  remove(resource: Resource<ClusterObject>, name: string, options: DeleteOptions): Promise<boolean>;
  removeAll(resource: Resource<ClusterObject>, selection: Selection, options: DeleteOptions): Promise<void>;
  /** Changes after `resourceVersion`, until the server ends the stream. Not tried again. */
  watch<T extends ClusterObject>(
    resource: Resource<T>,
    selection: Selection,
    resourceVersion: string,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>>;
  /** Output of a container. Not tried again. */
  log(pod: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

const PAGE = 500;
const AS_METADATA = 'as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** A watch brings a bookmark about every minute. */
const WATCH_SILENCE_MS = 150_000;
const ANSWER_SILENCE_MS = 30_000;
/** The server ends a watch after this long, so that many clients do not come back at once. */
const WATCH_SECONDS = { least: 300, more: 300 };

export function createClusterClient(
  kubeConfig: KubeConfig,
  settings: Pick<KubernetesSettings, 'namespace' | 'requestsPerSecond'>,
  log: ClusterLog,
  retry: RetryPolicy = RETRY,
): ClusterClient {
  const transport = createTransport(kubeConfig);
  const limit = new RateLimit(settings.requestsPerSecond);
  const closing = new AbortController();
  const requests = new Map<string, number>();

  type Ask = Omit<Call, 'signal' | 'silenceMs'>;

  async function send(ask: Ask, silenceMs = ANSWER_SILENCE_MS, signal: AbortSignal = closing.signal) {
    await limit.take(signal);
    const name = `${ask.verb} ${ask.resource}`;
    requests.set(name, (requests.get(name) ?? 0) + 1);
    return transport.send({ ...ask, silenceMs, signal });
  }

  function ask<T>(what: Ask, shape: MessageShape | null = null): Promise<T> {
    const once = async (): Promise<T> => {
      const body = await send(what);
      try {
        return (shape === null ? await body.json() : decodeObject(await body.bytes(), shape)) as T;
      } catch (error) {
        closing.signal.throwIfAborted();
        throw unreachable(error, what);
      }
    };
    return retrying(once, retry, closing.signal);
  }

  const scope = (selection: Selection = {}) => ({
    namespace: selection.namespace === undefined ? settings.namespace : selection.namespace,
  });
  const selectors = ({ labelSelector, fieldSelector }: Selection) => ({ labelSelector, fieldSelector });

  async function list<T extends ClusterObject>(
    resource: Resource<T>,
    selection: Selection,
    slim: (object: T) => T = (object) => object,
  ): Promise<Listed<T>> {
    const items: T[] = [];
    const { metadataOnly = false } = selection;
    const shape = resource.shape === undefined ? null : pageOf(metadataOnly ? METADATA_ONLY : resource.shape);
    const form = shape === null ? 'application/json' : PROTOBUF;
    let next: string | undefined;
    let resourceVersion = '';
    do {
      const what: Ask = {
        ...named('list', resource),
        method: 'GET',
        path: pathOf(resource, scope(selection)),
        query: { ...selectors(selection), limit: PAGE, continue: next },
        accept: metadataOnly ? `${form};${AS_METADATA}` : form,
      };
      const page = await ask<Page<T>>(what, shape);
      for (const item of page.items ?? []) items.push(slim(item));
      resourceVersion = page.metadata.resourceVersion;
      next = page.metadata.continue === '' ? undefined : page.metadata.continue;
    } while (next !== undefined);
    return { items, resourceVersion };
  }

  async function* watch<T extends ClusterObject>(
    resource: Resource<T>,
    selection: Selection,
    resourceVersion: string,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const name = named('watch', resource);
    const until = AbortSignal.any([signal, closing.signal]);
    const query = {
      ...selectors(selection),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion,
      timeoutSeconds: WATCH_SECONDS.least + Math.floor(Math.random() * WATCH_SECONDS.more),
    };
    const path = pathOf(resource, scope(selection));
    const accept = resource.shape === undefined ? 'application/json' : `${PROTOBUF};stream=watch`;
    const body = await send({ ...name, method: 'GET', path, query, accept }, WATCH_SILENCE_MS, until);
    try {
      for await (const event of resource.shape === undefined ? eventsOf(body) : decodedEventsOf(body, resource.shape)) {
        if (event.type === 'ERROR') {
          const { code = 500 } = event.object as { code?: number };
          throw errorOf(code, JSON.stringify(event.object), name, null, Date.now());
        }
        yield event as WatchEvent<T>;
      }
    } catch (error) {
      until.throwIfAborted();
      throw isClusterError(error) ? error : unreachable(error, name);
    }
  }

  async function* log_(pod: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const name = { verb: 'get', resource: 'pods/log' };
    const until = AbortSignal.any([signal, closing.signal]);
    const path = `${pathOf(PODS, scope(), pod)}/log`;
    const body = await send({ ...name, method: 'GET', path, query: { ...options } }, ANSWER_SILENCE_MS, until);
    try {
      for await (const chunk of body) yield chunk as Uint8Array;
    } catch (error) {
      until.throwIfAborted();
      throw unreachable(error, name);
    }
  }

  return {
    namespace: settings.namespace,
    requests,
    list,
    watch,
    log: log_,
    get: (resource, name) =>
      ask({ ...named('get', resource), method: 'GET', path: pathOf(resource, scope(), name), query: {} }),
    create: (resource, body) =>
      ask({ ...named('create', resource), method: 'POST', path: pathOf(resource, scope()), query: {}, body }),
    replace: (resource, name, body) =>
      ask({ ...named('update', resource), method: 'PUT', path: pathOf(resource, scope(), name), query: {}, body }),
    async remove(resource, name, options) {
      const path = pathOf(resource, scope(), name);
      return orWhere('not-found', async () => {
        await ask({ ...named('delete', resource), method: 'DELETE', path, query: {}, body: deleteBody(options) });
      });
    },
    async removeAll(resource, selection, options) {
      await ask({
        ...named('deletecollection', resource),
        method: 'DELETE',
        path: pathOf(resource, scope(selection)),
        query: selectors(selection),
        body: deleteBody(options),
      });
    },
    async close() {
      closing.abort(new Error('The connection to the cluster is closed.'));
      await transport.close();
      log.info({ requests: Object.fromEntries(requests) }, 'cluster client closed');
    },
  };
}

interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

interface RawEvent {
  readonly type: string;
  readonly object: unknown;
}

async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<RawEvent> {
  for await (const line of linesOf(body)) yield JSON.parse(line) as RawEvent;
}

async function* decodedEventsOf(body: AsyncIterable<Uint8Array>, shape: MessageShape): AsyncGenerator<RawEvent> {
  for await (const frame of framesOf(body)) {
    const { type, object } = decodeMessage(frame, WATCH_EVENT) as { type: string; object: { raw: Uint8Array } };
    yield { type, object: decodeObject(object.raw, type === 'ERROR' ? STATUS : shape) };
  }
}

function named(verb: string, { plural }: Resource<ClusterObject>): RequestName {
  return { verb, resource: plural };
}

function deleteBody({ uid, ...options }: DeleteOptions): object {
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...options,
    ...(uid === undefined ? {} : { preconditions: { uid } }),
  };
}

/** False where the work fails with that kind of error. */
async function orWhere(kind: ClusterErrorKind, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (isClusterError(error, kind)) return false;
    throw error;
  }
}

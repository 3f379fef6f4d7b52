/**
 * Keeps a picture of some objects up to date: one list, then a watch that goes on where the last one ended. It is
 * listed again where the server has forgotten the resource version, and now and then in any case.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterClient, ClusterLog, Selection, WatchEvent } from '../client/client.ts';
import { isClusterError } from '../client/errors.ts';
import type { ClusterObject, Resource } from '../client/resources.ts';

export interface ReflectorOptions<T extends ClusterObject> {
  readonly client: ClusterClient;
  readonly resource: Resource<T>;
  readonly selection: Selection;
  readonly slim: (object: T) => T;
  readonly log: ClusterLog;
  /** Everything there is, as of a resource version. */
  onList(items: readonly T[], resourceVersion: string): void;
  onEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  readonly relistMs?: number;
}

export interface Reflector {
  /** Resolves with the first list. Never rejects: it is tried until there is one or the reflector is closed. */
  readonly synced: Promise<void>;
  /** Resolves with the first list or with the first `problem` of getting one. Never rejects. */
  readonly tried: Promise<void>;
  /** Why there is no picture at the moment; null where there is one. */
  problem(): string | null;
  close(): void;
}

const RELIST_MS = 15 * 60_000;
const BACK_OFF = { firstMs: 200, longestMs: 10_000 };
/** Without the permission nothing changes until somebody grants it. */
const FORBIDDEN_MS = 60_000;

export function startReflector<T extends ClusterObject>(options: ReflectorOptions<T>): Reflector {
  const { client, resource, selection, slim, log, relistMs = RELIST_MS } = options;
  const closing = new AbortController();
  const first = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<void>();
  let problem: string | null = 'it has not been listed yet';
  let failures = 0;
  async function run(): Promise<void> {
    let place: string | null = null;
    let relistAtMs = 0;
    while (!closing.signal.aborted) {
      try {
        if (place === null || performance.now() >= relistAtMs) {
          const listed = await client.list(resource, selection, slim);
          if (closing.signal.aborted) break;
          options.onList(listed.items, listed.resourceVersion);
          place = listed.resourceVersion;
          relistAtMs = performance.now() + relistMs;
          heard();
          first.resolve();
        }
        const due = AbortSignal.timeout(Math.max(1, Math.ceil(relistAtMs - performance.now())));
        const until = AbortSignal.any([closing.signal, due]);
        try {
          for await (const event of client.watch(resource, selection, place, until)) place = take(event);
          heard();
        } catch (error) {
          if (!due.aborted) throw error;
        }
      } catch (error) {
        if (closing.signal.aborted) break;
        if (isClusterError(error, 'gone')) place = null;
        else await pause(error);
      }
    }
    first.resolve();
  }

  function heard(): void {
    if (failures > 0) log.info({ resource: resource.plural }, 'the watch is back');
    failures = 0;
    problem = null;
  }

  function take(event: WatchEvent<T>): string {
    const version = event.object.metadata?.resourceVersion;
    if (version === undefined) throw new Error(`a watch event without a resource version: ${event.type}`);
    if (failures > 0) heard();
    if (event.type !== 'BOOKMARK') options.onEvent(event.type, slim(event.object));
    return version;
  }

  async function pause(error: unknown): Promise<void> {
    failures += 1;
    problem = error instanceof Error ? error.message : String(error);
    failed.resolve();
    const forbidden = isClusterError(error, 'lacks-permission');
    const longest = forbidden ? FORBIDDEN_MS : Math.min(BACK_OFF.longestMs, BACK_OFF.firstMs * 2 ** failures);
    if (failures === 1 || failures % 20 === 0) {
      log.warn({ resource: resource.plural, err: error, failures }, 'the watch is broken; trying again');
    }
    await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal: closing.signal }).catch(() => undefined);
  }

  // It never rejects: whatever fails is tried again until it is closed.
  void run();
  return {
    synced: first.promise,
    tried: Promise.race([first.promise, failed.promise]),
    problem: () => problem,
    close: () => closing.abort(new Error('closed')),
  };
}

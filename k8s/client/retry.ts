/** When a request that failed is sent again. Every operation that is retried may run twice without harm. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError } from './errors.ts';

export interface RetryPolicy {
  /** No new try starts after this long, milliseconds. */
  readonly withinMs: number;
  readonly firstMs: number;
  readonly longestMs: number;
}

export const RETRY: RetryPolicy = { withinMs: 20_000, firstMs: 200, longestMs: 5_000 };

const TRANSIENT = new Set(['too-many-requests', 'server', 'unreachable']);

/**
 * How long to wait before try number `tries + 1`, milliseconds; null where it is not to be tried again.
 * `random` in [0, 1) spreads those that failed together.
 */
export function waitBefore(
  error: unknown,
  tries: number,
  elapsedMs: number,
  policy: RetryPolicy,
  random: number,
): number | null {
  if (!(error instanceof ClusterError) || !TRANSIENT.has(error.kind)) return null;
  const backOff = Math.min(policy.longestMs, policy.firstMs * 2 ** (tries - 1)) * (0.5 + random / 2);
  const waitMs = Math.max(error.retryAfterMs ?? 0, backOff);
  return elapsedMs + waitMs > policy.withinMs ? null : waitMs;
}

export async function retrying<T>(work: () => Promise<T>, policy: RetryPolicy, signal: AbortSignal): Promise<T> {
  const startedMs = performance.now();
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const waitMs = waitBefore(error, tries, performance.now() - startedMs, policy, Math.random());
      if (waitMs === null) throw error;
      await sleep(waitMs, undefined, { signal });
    }
  }
}

/** A token bucket: `perSecond` on average, up to a second's worth at once. Callers are served in order. */
import { setTimeout as sleep } from 'node:timers/promises';

export class RateLimit {
  private readonly perSecond: number;
  /** When the next request may start, milliseconds of `performance.now()`. */
  private nextMs = 0;

  constructor(perSecond: number) {
    this.perSecond = perSecond;
  }

  /** Resolves when the caller may send; rejects when `signal` is aborted first. */
  async take(signal?: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    const startMs = Math.max(this.nextMs, nowMs - 1000);
    this.nextMs = startMs + 1000 / this.perSecond;
    if (startMs > nowMs) await sleep(startMs - nowMs, undefined, signal === undefined ? {} : { signal });
    else signal?.throwIfAborted();
  }
}

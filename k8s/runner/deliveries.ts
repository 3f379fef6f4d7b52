import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptObservation } from '@lamina/domain/contract/runner.ts';
import type { ClusterLog } from '../client/client.ts';

type Handler = (ended: readonly AttemptObservation[]) => Promise<void>;

const LONGEST_WAIT_MS = 5_000;
/**
 * Attempts that end together travel together: one signal costs a workflow about as much as a hundred ends in it. Where
 * many end, they are gathered for longer.
 */
const GATHER_MS = { few: 250, many: 1_000 };
const MANY = 4;
const LARGEST_BATCH = 500;

/** Hands ended attempts to one handler in batches, at least once each: a batch that fails comes again. */
export class Deliveries {
  private readonly handler: Handler;
  private readonly log: ClusterLog;
  private readonly undelivered = new Map<string, AttemptObservation>();
  private readonly closing = new AbortController();
  private running: Promise<void> | null = null;
  private lastBatch = 0;

  constructor(handler: Handler, log: ClusterLog) {
    this.handler = handler;
    this.log = log;
  }

  add(ended: AttemptObservation): void {
    if (this.closing.signal.aborted) return;
    this.undelivered.set(ended.attemptId, ended);
    this.start();
  }

  /** Is the end of this attempt still to be handed over? */
  owes(attemptId: string): boolean {
    return this.undelivered.has(attemptId);
  }

  /** Resolves when the handler is not running any more; what was not delivered comes with the next watch. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
  }

  private start(): void {
    this.running ??= this.run().finally(() => {
      this.running = null;
      // Added while it came to its end.
      if (this.undelivered.size > 0 && !this.closing.signal.aborted) this.start();
    });
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    const wait = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
    let backOffMs = 100;
    while (this.undelivered.size > 0 && !signal.aborted) {
      await wait(this.lastBatch >= MANY ? GATHER_MS.many : GATHER_MS.few);
      if (signal.aborted) break;
      const batch = [...this.undelivered.values()].slice(0, LARGEST_BATCH);
      try {
        await this.handler(batch);
        this.lastBatch = batch.length;
        for (const one of batch) this.undelivered.delete(one.attemptId);
        backOffMs = 100;
      } catch (error) {
        this.log.warn({ err: error, attempts: batch.length }, 'ended attempts could not be handed over; trying again');
        await wait(backOffMs);
        backOffMs = Math.min(backOffMs * 2, LONGEST_WAIT_MS);
      }
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptObservation } from '@lamina/domain/contract/runner.ts';
import type { WorkerLog } from '../../log.ts';

type Handler = (ended: readonly AttemptObservation[]) => Promise<void>;

const LONGEST_WAIT_MS = 5_000;

/** Hands ended attempts to one handler in batches, at least once each: a batch that fails comes again. */
export class Deliveries {
  private readonly handler: Handler;
  private readonly log: Pick<WorkerLog, 'info' | 'warn'>;
  private waiting: AttemptObservation[] = [];
  private readonly closing = new AbortController();
  private running: Promise<void> | null = null;

  constructor(handler: Handler, log: Pick<WorkerLog, 'info' | 'warn'>) {
    this.handler = handler;
    this.log = log;
  }

  add(ended: readonly AttemptObservation[]): void {
    if (ended.length === 0 || this.closing.signal.aborted) return;
    this.waiting.push(...ended);
    this.running ??= this.run().finally(() => {
      this.running = null;
    });
  }

  /** Resolves when the handler is not running any more; what was not delivered comes with the next watch. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    let waitMs = 100;
    // Attempts that end together travel together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0 && !this.closing.signal.aborted) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        await this.handler(batch);
        waitMs = 100;
      } catch (error) {
        this.log.warn({ err: error, attempts: batch.length }, 'ended attempts could not be handed over; trying again');
        this.waiting = [...batch, ...this.waiting];
        await sleep(waitMs, undefined, { signal: this.closing.signal }).catch(() => undefined);
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
    }
  }
}

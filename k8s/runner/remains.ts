/**
 * Jobs whose ends are recorded: they stay for a while. Somebody may want to look at them, and the deletion of a Job and its
 * pod costs the cluster about a quarter of what running them does; it takes place when the trials do not wait for it.
 */
import type { ClusterLog } from '../client/client.ts';
import type { AttemptEntry } from '../watch/attempts.ts';
import { Rounds } from './rounds.ts';

/** What becomes due goes together. */
const GATHER_MS = 1_000;
/** What is still there so long after it was to go is asked to go again. */
const AGAIN_MS = 10_000;

export interface RemainsOptions {
  readonly keepMs: number;
  readonly log: ClusterLog;
  /** Deletes the Jobs of these. Rejects where not all could be deleted. */
  remove(entries: readonly AttemptEntry[]): Promise<void>;
}

export class Remains {
  private readonly options: RemainsOptions;
  private keepMs: number;
  /** When each is to go, on the clock of `performance.now()`. */
  private readonly dueMs = new Map<AttemptEntry, number>();
  private readonly rounds: Rounds;

  constructor(options: RemainsOptions) {
    this.options = options;
    this.keepMs = options.keepMs;
    this.rounds = new Rounds({
      afterMs: GATHER_MS,
      idle: () => this.dueMs.size === 0,
      work: () => this.removeDue(),
      failed: (error) => options.log.warn({ err: error }, 'Jobs of recorded trials could not be deleted; trying again'),
    });
  }

  keep(entries: readonly AttemptEntry[]): void {
    const due = performance.now() + this.keepMs;
    for (const entry of entries) if (!this.dueMs.has(entry)) this.dueMs.set(entry, due);
    this.rounds.schedule();
  }

  /** These go soon, kept or not. */
  release(entries: Iterable<AttemptEntry>): void {
    const now = performance.now();
    for (const entry of entries) this.dueMs.set(entry, now);
    this.rounds.schedule();
  }

  /** What is kept takes a place that is needed: it goes, and nothing is kept from now on. */
  keepNothing(): void {
    this.keepMs = 0;
    this.release([...this.dueMs.keys()]);
  }

  close(): void {
    this.rounds.close();
  }

  private async removeDue(): Promise<void> {
    const now = performance.now();
    const due = [...this.dueMs].flatMap(([entry, at]) => (at <= now ? [entry] : []));
    for (const entry of due) if (entry.job === null) this.dueMs.delete(entry);
    const there = due.filter(({ job }) => job !== null);
    if (there.length === 0) return;
    try {
      await this.options.remove(there);
    } finally {
      const again = performance.now() + AGAIN_MS;
      for (const entry of there) this.dueMs.set(entry, again);
    }
  }
}

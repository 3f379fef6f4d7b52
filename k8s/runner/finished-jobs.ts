/**
 * Deletes finished Jobs some time after their ends are recorded: somebody may want to look at them, and deleting a Job
 * and its pod costs the cluster about a quarter of what running them does, so it happens when no trial waits for it.
 */
import type { V1Job } from '@kubernetes/client-node';
import type { LimitFunction } from 'p-limit';
import type { ClusterClient, ClusterLog } from '../client/client.ts';
import { JOBS } from '../client/resources.ts';
import { LABELS } from '../labels.ts';
import type { AttemptEntry } from '../watch/attempts.ts';
import { Periodic } from './periodic.ts';

/** Jobs that become due within this time are deleted together. */
const GATHER_MS = 1_000;
/** A Job that is still there this long after its deletion was asked for is deleted again. */
const AGAIN_MS = 10_000;

export interface FinishedJobsOptions {
  readonly keepMs: number;
  readonly log: ClusterLog;
  /** Deletes the Jobs of these. Rejects where not all could be deleted. */
  remove(entries: readonly AttemptEntry[]): Promise<void>;
}

export class FinishedJobs {
  private readonly options: FinishedJobsOptions;
  private keepMs: number;
  /** When each is to go, on the clock of `performance.now()`. */
  private readonly dueMs = new Map<AttemptEntry, number>();
  private readonly periodic: Periodic;

  constructor(options: FinishedJobsOptions) {
    this.options = options;
    this.keepMs = options.keepMs;
    this.periodic = new Periodic({
      afterMs: GATHER_MS,
      idle: () => this.dueMs.size === 0,
      work: () => this.removeDue(),
      failed: (error) => options.log.warn({ err: error }, 'Jobs of recorded trials could not be deleted; trying again'),
    });
  }

  keep(entries: readonly AttemptEntry[]): void {
    const due = performance.now() + this.keepMs;
    for (const entry of entries) if (!this.dueMs.has(entry)) this.dueMs.set(entry, due);
    this.periodic.schedule();
  }

  /** These go soon, kept or not. */
  release(entries: Iterable<AttemptEntry>): void {
    const now = performance.now();
    for (const entry of entries) this.dueMs.set(entry, now);
    this.periodic.schedule();
  }

  /** What is kept takes a place that is needed: it goes, and nothing is kept until this worker restarts. */
  keepNothing(): void {
    this.keepMs = 0;
    this.release([...this.dueMs.keys()]);
  }

  close(): void {
    this.periodic.close();
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

/** Keeps the address of a request below what servers and proxies take. */
const PER_REQUEST = 100;

export interface Deletion {
  readonly name: string;
  /** Null where the Job has not been seen: it is deleted by its name alone. */
  readonly job: V1Job | null;
  /** Its trial has no other Job that could be meant by the same labels. */
  readonly alone: boolean;
}

/** What labels name is deleted only where it is in that state by then. */
const ONLY = { unsuccessful: 'status.successful=0', successful: 'status.successful=1', any: undefined };

export interface DeletionContext {
  readonly client: ClusterClient;
  /** How many requests are sent at the same time. */
  readonly limit: LimitFunction;
  readonly only: keyof typeof ONLY;
}

/** Deletes Jobs in few requests: one for each hundred of an experiment. Throws where not all could be deleted. */
export async function deleteJobs(
  deletions: readonly Deletion[],
  { client, limit, only }: DeletionContext,
): Promise<void> {
  const { single, selectors } = planDeletion(deletions);
  const fieldSelector = ONLY[only];
  const work = [
    ...selectors.map((labelSelector) => async () => {
      await client.removeAll(JOBS, { labelSelector, fieldSelector }, { propagationPolicy: 'Background' });
    }),
    ...single.map((name) => async () => {
      await client.remove(JOBS, name, { propagationPolicy: 'Background' });
    }),
  ];
  const done = await Promise.allSettled(work.map((each) => limit(each)));
  const failed = done.find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

export function planDeletion(deletions: readonly Deletion[]): { single: string[]; selectors: string[] } {
  const single: string[] = [];
  const groups = new Map<string, Deletion[]>();
  for (const deletion of deletions) {
    const owner = ownerOf(deletion);
    const group = owner === null ? undefined : groups.get(owner);
    if (owner === null) single.push(deletion.name);
    else if (group === undefined) groups.set(owner, [deletion]);
    else group.push(deletion);
  }
  const selectors: string[] = [];
  for (const [owner, group] of groups) {
    for (let at = 0; at < group.length; at += PER_REQUEST) {
      const part = group.slice(at, at + PER_REQUEST);
      if (part.length === 1) single.push(...part.map(({ name }) => name));
      else selectors.push(`${owner},${LABELS.trial} in (${part.map(trialOf).join(',')})`);
    }
  }
  return { single, selectors };
}

function trialOf({ job }: Deletion): string | undefined {
  return job?.metadata?.labels?.[LABELS.trial];
}

function ownerOf(deletion: Deletion): string | null {
  const labels = deletion.job?.metadata?.labels;
  if (!deletion.alone || labels === undefined || trialOf(deletion) === undefined) return null;
  return [LABELS.managedBy, LABELS.instance, LABELS.experiment].map((key) => `${key}=${labels[key]}`).join(',');
}

/**
 * Attempts that the cluster refuses for now, because quota or a permission is missing: offered again from time to time.
 * They are known to this worker alone: where it ends, their runs miss them and go on with a next attempt.
 */
import { refOf } from '@lamina/domain/contract/attempt.ts';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { AttemptLaunch, AttemptObservation, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import type { LimitFunction } from 'p-limit';
import type { ClusterClient, ClusterLog } from '../client/client.ts';
import { jobName } from '../manifests/job.ts';
import { deleteJobs } from './finished-jobs.ts';
import { Periodic } from './periodic.ts';

const AGAIN_MS = 5_000;

interface Refused {
  readonly item: AttemptLaunch<AttemptRequest>;
  reason: PendingReason;
}

export interface AdmissionOptions {
  readonly client: ClusterClient;
  readonly log: ClusterLog;
  /** How many requests are sent at the same time. */
  readonly limit: LimitFunction;
  /** From one round of offers to the next. */
  readonly againMs?: number;
  /** Why the cluster does not take the attempt yet; null where it is not to be offered again. */
  offer(item: AttemptLaunch<AttemptRequest>): Promise<PendingReason | null>;
}

export class AdmissionRetries {
  private readonly options: AdmissionOptions;
  private readonly refused = new Map<string, Refused>();
  private readonly periodic: Periodic;
  private closed = false;

  constructor(options: AdmissionOptions) {
    this.options = options;
    this.periodic = new Periodic({
      afterMs: options.againMs ?? AGAIN_MS,
      idle: () => this.refused.size === 0,
      work: () => this.offerAll(),
      failed: (error) =>
        options.log.warn({ err: error }, 'attempts that the cluster did not take were not offered again'),
    });
  }

  add(item: AttemptLaunch<AttemptRequest>, reason: PendingReason): AttemptObservation {
    this.refused.set(item.attemptId, { item, reason });
    this.periodic.schedule();
    return observationOf(item, reason);
  }

  get(attemptId: string): AttemptObservation | null {
    const known = this.refused.get(attemptId);
    return known === undefined ? null : observationOf(known.item, known.reason);
  }

  /** True where it was to be offered again. */
  remove(attemptId: string): boolean {
    return this.refused.delete(attemptId);
  }

  ofExperiment(experimentId: string): AttemptObservation[] {
    return [...this.refused.values()]
      .filter(({ item }) => item.experimentId === experimentId)
      .map(({ item, reason }) => observationOf(item, reason));
  }

  close(): void {
    this.closed = true;
    this.periodic.close();
  }

  /** In the order in which they came; the first that is refused stands for those behind it. */
  private async offerAll(): Promise<void> {
    for (const [attemptId, each] of [...this.refused]) {
      if (this.closed || !this.refused.has(attemptId)) continue;
      const reason = await this.options.offer(each.item);
      if (reason !== null) {
        each.reason = reason;
        return;
      }
      if (!this.refused.delete(attemptId)) await this.withdraw(attemptId);
    }
  }

  /** The attempt was stopped while it was being offered: its end is known already, and its Job would run for nobody. */
  private async withdraw(attemptId: string): Promise<void> {
    const { client, limit } = this.options;
    await deleteJobs([{ name: jobName(attemptId), job: null, alone: false }], { client, limit, only: 'any' });
  }
}

function observationOf(item: AttemptLaunch<AttemptRequest>, reason: PendingReason): AttemptObservation {
  return { ...refOf(item), state: 'pending', reason, end: null };
}

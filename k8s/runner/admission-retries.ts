/** Attempts that the cluster does not admit yet, because quota or a permission is missing: offered again from time to time. */
import { refOf } from '@lamina/domain/contract/attempt.ts';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { AttemptLaunch, AttemptObservation, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import type { ClusterLog } from '../client/client.ts';
import { Periodic } from './periodic.ts';

const AGAIN_MS = 5_000;

interface Waiting {
  readonly item: AttemptLaunch<AttemptRequest>;
  reason: PendingReason;
}

export interface Admission {
  /** Why the cluster does not take the attempt yet; null where it is not to be offered again. */
  offer(item: AttemptLaunch<AttemptRequest>): Promise<PendingReason | null>;
  /** It was stopped while it was being offered. */
  withdraw(item: AttemptLaunch<AttemptRequest>): Promise<void>;
}

export class AdmissionRetries {
  private readonly admission: Admission;
  private readonly waiting = new Map<string, Waiting>();
  private readonly periodic: Periodic;
  private closed = false;

  constructor(admission: Admission, log: ClusterLog) {
    this.admission = admission;
    this.periodic = new Periodic({
      afterMs: AGAIN_MS,
      idle: () => this.waiting.size === 0,
      work: () => this.offerAll(),
      failed: (error) => log.warn({ err: error }, 'attempts that the cluster did not take were not offered again'),
    });
  }

  add(item: AttemptLaunch<AttemptRequest>, reason: PendingReason): AttemptObservation {
    this.waiting.set(item.attemptId, { item, reason });
    this.periodic.schedule();
    return observationOf(item, reason);
  }

  get(attemptId: string): AttemptObservation | null {
    const waiting = this.waiting.get(attemptId);
    return waiting === undefined ? null : observationOf(waiting.item, waiting.reason);
  }

  /** True where it was waiting. */
  remove(attemptId: string): boolean {
    return this.waiting.delete(attemptId);
  }

  ofExperiment(experimentId: string): AttemptObservation[] {
    return [...this.waiting.values()]
      .filter(({ item }) => item.experimentId === experimentId)
      .map(({ item, reason }) => observationOf(item, reason));
  }

  close(): void {
    this.closed = true;
    this.periodic.close();
  }

  /** In the order in which they came; the first that is refused stands for those behind it. */
  private async offerAll(): Promise<void> {
    for (const [attemptId, waiting] of [...this.waiting]) {
      if (this.closed || !this.waiting.has(attemptId)) continue;
      const refused = await this.admission.offer(waiting.item);
      if (refused !== null) {
        waiting.reason = refused;
        return;
      }
      if (!this.waiting.delete(attemptId)) await this.admission.withdraw(waiting.item);
    }
  }
}

function observationOf(item: AttemptLaunch<AttemptRequest>, reason: PendingReason): AttemptObservation {
  return { ...refOf(item), state: 'pending', reason, end: null };
}

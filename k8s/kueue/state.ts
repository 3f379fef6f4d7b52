/** Where an attempt stands in Kueue's queue, from its Job and the Workload that Kueue made for it. */
import type { V1Job } from '@kubernetes/client-node';
import type { PendingKind } from '@lamina/domain/contract/runner.ts';
import { LABELS } from '../labels.ts';
import { explain } from './explain.ts';
import { positionOf } from './position.ts';
import { readWorkload } from './workload.ts';

export interface QueueState {
  /** The Job may run: its pod exists or is being created. */
  readonly admitted: boolean;
  /** `misconfigured` where waiting is of no use; null where it is admitted. */
  readonly kind: Extract<PendingKind, 'queued' | 'misconfigured'> | null;
  /** Why it may not run yet: one sentence for the user. */
  readonly reason: string | null;
  /** 1 is the next; null where it does not wait or it is not known. See `positionOf` for what it cannot know. */
  readonly position: number | null;
}

/**
 * `workload`: null where there is none or Kueue's API is absent. `others`: Workloads of the namespace, from which the
 * position is found; it may hold this one too.
 */
export function queueState(job: V1Job, workload: object | null, others: readonly object[] = []): QueueState {
  if (job.spec?.suspend !== true) return { admitted: true, kind: null, reason: null, position: null };
  const queue = job.metadata?.labels?.[LABELS.queueName];
  if (queue === undefined) {
    return queued('The Job is suspended by somebody, and in no queue: it starts when they resume it.', null);
  }
  const read = workload === null ? null : readWorkload(workload);
  if (read === null) {
    return queued(
      `Kueue has not put the Job into the queue "${queue}" yet; where Kueue runs it does so at once.`,
      null,
    );
  }
  const { waits, sentence } = explain(read);
  if (!waits) {
    return { admitted: false, kind: 'misconfigured', reason: `In the queue "${queue}": ${sentence}`, position: null };
  }
  const position = positionOf(read, others);
  const place = position === null ? 'In' : `Number ${position} in`;
  return queued(`${place} the queue "${queue}": ${sentence}`, position);
}

function queued(reason: string, position: number | null): QueueState {
  return { admitted: false, kind: 'queued', reason, position };
}

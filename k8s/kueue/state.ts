/** Where an attempt stands in Kueue's queue, from its Job and the Workload that Kueue made for it. */
import type { V1Job } from '@kubernetes/client-node';
import { LABELS } from '../labels.ts';
import { positionOf } from './position.ts';
import { holds, readWorkload, type Workload } from './workload.ts';

export interface QueueState {
  /** The Job may run: its pod exists or is being created. */
  readonly admitted: boolean;
  /** Why it may not yet: one sentence for the user. */
  readonly reason: string | null;
  /** 1 is the next; null where it does not wait or it is not known. See `positionOf` for what it cannot know. */
  readonly position: number | null;
}

const ADMITTED: QueueState = { admitted: true, reason: null, position: null };

/**
 * `workload`: null where there is none or Kueue's API is absent. `others`: Workloads of the namespace, from which the
 * position is found; it may hold this one too.
 */
export function queueState(job: V1Job, workload: object | null, others: readonly object[] = []): QueueState {
  if (job.spec?.suspend !== true) return ADMITTED;
  const queue = job.metadata?.labels?.[LABELS.queueName];
  if (queue === undefined) {
    return waiting('The Job is suspended by somebody, and in no queue: it starts when they resume it.');
  }
  const read = workload === null ? null : readWorkload(workload);
  if (read === null) {
    return waiting(`Kueue has not put the Job into the queue "${queue}" yet; where Kueue runs it does so at once.`);
  }
  const position = positionOf(read, others);
  const place = position === null ? `In the queue "${queue}"` : `Number ${position} in the queue "${queue}"`;
  return { admitted: false, reason: `${place}: ${explain(read)}`, position };
}

function waiting(reason: string): QueueState {
  return { admitted: false, reason, position: null };
}

function explain(workload: Workload): string {
  if (!workload.spec.active) return 'the Workload has been deactivated; activate it, or delete the Job.';
  if (holds(workload, 'Admitted') !== null) return 'admitted, and about to start.';
  const reserved = holds(workload, 'QuotaReserved');
  if (reserved !== null) return checks(workload);
  const evicted = holds(workload, 'Evicted');
  const again = evicted === null ? '' : `taken back by Kueue (${evicted.reason}: ${sentence(evicted.message)}) `;
  const { requeueState, conditions } = workload.status;
  if (requeueState?.requeueAt) return `${again}it queues up again at ${requeueState.requeueAt}.`;
  const refused = conditions.find((one) => one.type === 'QuotaReserved');
  const why = refused === undefined || refused.message === '' ? 'its turn has not come.' : sentence(refused.message);
  return `${again}${why}`;
}

function checks(workload: Workload): string {
  const open = workload.status.admissionChecks.filter(({ state }) => state !== 'Ready');
  if (open.length === 0) return 'quota is reserved, and admission follows.';
  const each = open.map(({ name, message }) => (message === '' ? name : `${name} (${message})`));
  return `quota is reserved, and these admission checks are open: ${each.join(', ')}.`;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

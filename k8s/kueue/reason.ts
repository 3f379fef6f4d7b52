/** Why an attempt waits in Kueue's queue, from its Job and the Workload that Kueue made for it. */
import type { V1Job } from '@kubernetes/client-node';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import { LABELS } from '../labels.ts';
import { explain } from './explain.ts';
import { positionOf } from './position.ts';
import { readWorkload } from './workload.ts';

/**
 * Null where the Job may run: its pod exists or is being created.
 *
 * @param workload null where there is none, or where Kueue's API is absent
 * @param others Workloads of the namespace, from which the position is found; they may hold this one too
 */
export function queueReason(job: V1Job, workload: object | null, others: readonly object[] = []): PendingReason | null {
  if (job.spec?.suspend !== true) return null;
  const queue = job.metadata?.labels?.[LABELS.queueName];
  if (queue === undefined) {
    const text = 'The Job is suspended by somebody, and in no queue: it starts when they resume it.';
    return { kind: 'queued', text };
  }
  const read = workload === null ? null : readWorkload(workload);
  if (read === null) {
    const text = `Kueue has not put the Job into the queue "${queue}" yet; where Kueue runs it does so at once.`;
    return { kind: 'queued', text };
  }
  const { waits, sentence } = explain(read);
  if (!waits) return { kind: 'misconfigured', text: `In the queue "${queue}": ${sentence}` };
  const position = positionOf(read, others);
  if (position === null) return { kind: 'queued', text: `In the queue "${queue}": ${sentence}` };
  return { kind: 'queued', text: `Number ${position} in the queue "${queue}": ${sentence}`, position };
}

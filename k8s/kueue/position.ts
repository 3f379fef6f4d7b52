/** The order in which Kueue looks at what waits. */
import { holds, readWorkload, type Workload } from './workload.ts';

/**
 * How many Workloads of the same LocalQueue are considered up to this one: 1 is the next. Null where it does not wait.
 * Others in front may come from LocalQueues that share its ClusterQueue and that nobody here may see, and one that fits
 * can go ahead of one that does not: a position, not a promise.
 */
export function positionOf(workload: Workload, objects: readonly object[]): number | null {
  if (!waits(workload)) return null;
  const ahead = objects
    .map(readWorkload)
    .filter((other) => other !== null)
    .filter(
      (other) => other.spec.queueName === workload.spec.queueName && other.metadata.name !== workload.metadata.name,
    )
    .filter((other) => waits(other) && before(other, workload) < 0);
  return ahead.length + 1;
}

function waits(workload: Workload): boolean {
  return workload.spec.active && holds(workload, 'QuotaReserved') === null && holds(workload, 'Finished') === null;
}

/** By priority, then by time; Kueue leaves open what comes first within a second. */
function before(a: Workload, b: Workload): number {
  return (
    b.spec.priority - a.spec.priority || queuedAtMs(a) - queuedAtMs(b) || (a.metadata.name < b.metadata.name ? -1 : 1)
  );
}

/** Whoever was sent back because its pods did not start, or a check took its place away, queues up anew. */
function queuedAtMs(workload: Workload): number {
  const evicted = holds(workload, 'Evicted');
  const again = evicted !== null && ['PodsReadyTimeout', 'AdmissionCheck'].includes(evicted.reason);
  return Date.parse((again ? evicted.lastTransitionTime : undefined) ?? workload.metadata.creationTimestamp);
}

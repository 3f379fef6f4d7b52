/** The order in which Kueue looks at what waits. */
import { explain } from './explain.ts';
import { holds, readWorkload, type Workload } from './workload.ts';

interface Queued {
  readonly name: string;
  readonly priority: number;
  readonly queuedAtMs: number;
}

type Queues = ReadonlyMap<string, readonly Queued[]>;

/** A list of Workloads is sorted once, however many positions are asked for. */
const sorted = new WeakMap<readonly object[], Queues>();

/**
 * How many Workloads of the same LocalQueue are considered up to this one: 1 is the next. Null where it does not wait.
 * Others in front may come from LocalQueues that share its ClusterQueue and that nobody here may see, and one that fits
 * can go ahead of one that does not: a position, not a promise.
 */
export function positionOf(workload: Workload, objects: readonly object[]): number | null {
  if (!waits(workload)) return null;
  const queues = sorted.get(objects) ?? queuesOf(objects);
  sorted.set(objects, queues);
  const queued = queues.get(workload.spec.queueName) ?? [];
  const own = queuedOf(workload);
  let [low, high] = [0, queued.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(queued[middle] as Queued, own) < 0) low = middle + 1;
    else high = middle;
  }
  return low + 1;
}

function queuesOf(objects: readonly object[]): Queues {
  const waiting = objects.map(readWorkload).filter((one) => one !== null && waits(one)) as Workload[];
  const groups = Map.groupBy(waiting, ({ spec }) => spec.queueName);
  return new Map([...groups].map(([queue, group]) => [queue, group.map(queuedOf).toSorted(before)]));
}

/** What no time brings its turn is in nobody's way. */
function waits(workload: Workload): boolean {
  if (holds(workload, 'QuotaReserved') !== null || holds(workload, 'Finished') !== null) return false;
  return explain(workload).waits;
}

/** By priority, then by time; Kueue leaves open what comes first within a second. */
function before(a: Queued, b: Queued): number {
  return b.priority - a.priority || a.queuedAtMs - b.queuedAtMs || (a.name < b.name ? -1 : 1);
}

/** A Workload that was sent back because its pods did not start, or a check took its quota away, goes to the end. */
function queuedOf(workload: Workload): Queued {
  const { metadata, spec } = workload;
  const evicted = holds(workload, 'Evicted');
  const again = evicted !== null && ['PodsReadyTimeout', 'AdmissionCheck'].includes(evicted.reason);
  const since = (again ? evicted.lastTransitionTime : undefined) ?? metadata.creationTimestamp;
  return { name: metadata.name, priority: spec.priority, queuedAtMs: Date.parse(since) };
}

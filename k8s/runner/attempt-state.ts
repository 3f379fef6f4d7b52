/** What the cluster shows of an attempt: what the run is told of it, whether it has ended, which of its pods are stuck. */
import type { CoreV1Event, V1Node, V1Pod } from '@kubernetes/client-node';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { AttemptEnd, AttemptObservation } from '@lamina/domain/contract/runner.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import { pendingReason } from '../diagnosis/pending/pending.ts';
import { isReady } from '../diagnosis/view.ts';
import type { AttemptEvidence } from '../evidence.ts';
import { LABELS } from '../labels.ts';
import { type AttemptEntry, livePods } from '../watch/attempts.ts';

/** What is known beyond the attempt's own objects. */
export interface ClusterContext {
  readonly nodes: ReadonlyMap<string, V1Node>;
  readonly events: readonly CoreV1Event[];
  readonly nowMs: number;
}

export function evidenceOf(
  entry: AttemptEntry,
  { nodes, events, nowMs }: ClusterContext,
  traces: Pick<AttemptEvidence, 'exit' | 'result'> = { exit: null, result: null },
): AttemptEvidence {
  const { job, pods, gonePods } = entry;
  return { job, pods: [...pods.values()], gonePods, nodes, events, nowMs, ...traces };
}

export function endedObservation({ ref }: AttemptEntry, end: AttemptEnd): AttemptObservation {
  return { ...ref, state: 'ended', reason: null, end };
}

/** For an attempt whose end is not known. `queue`: why it waits, where it does so in one. */
export function aliveObservation(
  entry: AttemptEntry,
  context: ClusterContext,
  queue: PendingReason | null,
): AttemptObservation {
  const { ref, job } = entry;
  const admitted = job?.metadata?.labels?.[LABELS.queueName] === undefined ? {} : { admittedAt: admittedAt(entry) };
  // A pod that has ended counts as running until the Job's controller has said so too.
  if (livePods(entry).some((pod) => pod.status?.phase !== undefined && pod.status.phase !== 'Pending')) {
    return { ...ref, state: 'running', reason: null, ...admitted, end: null };
  }
  const reason = queue ?? pendingReason(evidenceOf(entry, context));
  return { ...ref, state: 'pending', reason, ...admitted, end: null };
}

function admittedAt({ job }: AttemptEntry): string | null {
  if (job?.spec?.suspend === true) return null;
  const startTime: unknown = job?.status?.startTime;
  return typeof startTime === 'string' ? startTime : null;
}

/** An end that is the runner's own, not diagnosed from evidence; it is dated now. */
export function endNow(outcome: AttemptEnd['outcome'], message: string): AttemptEnd {
  return { outcome, message, exitCode: null, node: null, endedAt: new Date().toISOString() };
}

/** Jobs and pods have watches of their own: the last news of one may come after that of the other. */
const LAST_WORDS_MS = 1_500;

/**
 * Whether an attempt has ended, as far as the cluster shows, and may be diagnosed: `alive`, `ended`, or for how many
 * milliseconds more news may still change the diagnosis.
 */
export function endReadiness(entry: AttemptEntry, context: ClusterContext): 'alive' | 'ended' | number {
  const { job, jobGoneAtMs } = entry;
  // Its pod was seen first.
  if (job === null && jobGoneAtMs === null) return 'alive';
  const found = diagnose(evidenceOf(entry, context));
  if (found === null) {
    if (jobGoneAtMs === null || livePods(entry).length > 0) return 'alive';
    return waitUntil(jobGoneAtMs + LAST_WORDS_MS, context.nowMs);
  }
  // A success has its result, which no later word of the Job can change.
  if (job === null || found.exitCode === 0 || hasFinalCondition(entry)) return 'ended';
  return waitUntil((entry.endSeenAtMs ?? context.nowMs) + LAST_WORDS_MS, context.nowMs);
}

function waitUntil(atMs: number, nowMs: number): 'ended' | number {
  return nowMs >= atMs ? 'ended' : atMs - nowMs;
}

const FINAL = new Set(['Complete', 'SuccessCriteriaMet', 'Failed', 'FailureTarget']);

function hasFinalCondition({ job }: AttemptEntry): boolean {
  return job?.status?.conditions?.some(({ type, status }) => FINAL.has(type) && status === 'True') ?? false;
}

export interface StuckPod {
  readonly name: string;
  readonly uid: string;
  readonly node: string;
}

/**
 * A node that is only slow to say so gets a little longer than the pod's grace period: deleting a pod by force is not to
 * be undone. The diagnosis (`isLost`) does not wait for that, because later news may still correct it.
 */
const SLACK_MS = 5_000;

/** Pods that wait for a node which does not answer to end them. */
export function stuckPods(
  pods: readonly V1Pod[],
  { nodes, nowMs }: Pick<ClusterContext, 'nodes' | 'nowMs'>,
): readonly StuckPod[] {
  return pods.flatMap(({ metadata, spec }) => {
    const due: unknown = metadata?.deletionTimestamp;
    const node = spec?.nodeName;
    if (typeof due !== 'string' || node === undefined || Date.parse(due) + SLACK_MS > nowMs) return [];
    // Where nothing is known of a node, nothing is done.
    if (isReady(nodes.get(node)) !== false) return [];
    const { name, uid } = metadata ?? {};
    return name === undefined || uid === undefined ? [] : [{ name, uid, node }];
  });
}

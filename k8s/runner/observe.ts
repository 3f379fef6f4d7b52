/** From what the cluster shows of an attempt to what the run is told. Pure. */
import type { CoreV1Event, V1Node } from '@kubernetes/client-node';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { AttemptEnd, AttemptObservation } from '@lamina/domain/contract/runner.ts';
import { pendingReason } from '../diagnosis/pending.ts';
import type { AttemptEvidence } from '../evidence.ts';
import { LABELS } from '../labels.ts';
import { type AttemptEntry, livePods } from '../watch/attempts.ts';

export interface Surroundings {
  readonly nodes: ReadonlyMap<string, V1Node>;
  readonly events: readonly CoreV1Event[];
  readonly nowMs: number;
}

export function evidenceOf(
  entry: AttemptEntry,
  { nodes, events, nowMs }: Surroundings,
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
  surroundings: Surroundings,
  queue: PendingReason | null,
): AttemptObservation {
  const { ref, job } = entry;
  const admitted = job?.metadata?.labels?.[LABELS.queueName] === undefined ? {} : { admittedAt: admittedAt(entry) };
  // A pod that has ended counts as running until the Job's controller has said so too.
  if (livePods(entry).some((pod) => pod.status?.phase !== undefined && pod.status.phase !== 'Pending')) {
    return { ...ref, state: 'running', reason: null, ...admitted, end: null };
  }
  const reason = queue ?? pendingReason(evidenceOf(entry, surroundings));
  return { ...ref, state: 'pending', reason, ...admitted, end: null };
}

function admittedAt({ job }: AttemptEntry): string | null {
  if (job?.spec?.suspend === true) return null;
  const startTime: unknown = job?.status?.startTime;
  return typeof startTime === 'string' ? startTime : null;
}

/** From what is known of an attempt in the cluster to how it ended. Pure. */
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import type { AttemptEvidence } from '../evidence.ts';
import { quantity } from '../inventory/quantity.ts';
import { attemptHasEnded } from './ended.ts';
import type { Finding, PodRule } from './finding.ts';
import { crashed, failedPod, gonePod } from './rules/crashed.ts';
import { deadline } from './rules/deadline.ts';
import { nodeLost, nodeShutDown, takenAway, vanished } from './rules/disruption.ts';
import { doomed } from './rules/doomed.ts';
import { jobFailure, withoutPods } from './rules/job-failure.ts';
import { evictedByKubelet } from './rules/kubelet-eviction.ts';
import { logSign } from './rules/log-signs.ts';
import { memoryKill, nodeOutOfMemory } from './rules/memory-kill.ts';
import { refusedByNode } from './rules/refused-by-node.ts';
import { jobDeleted, podDeleted, suspended } from './rules/removed.ts';
import { saidWhy, savedAndStopped, trainerCode } from './rules/said.ts';
import { signalled } from './rules/signals.ts';
import { noProgram, notStarted } from './rules/start-failure.ts';
import { success } from './rules/success.ts';
import { podFromTraces } from './traces.ts';
import { type AttemptView, holding, type PodView, viewOf } from './view.ts';

/**
 * In order of precedence. What the trainer itself knows comes first; then what the cluster did to it; then what its
 * container's end looks like. With several pods, the pod to which the earliest rule applies is the cause, and the
 * others' ends its consequences.
 */
const POD_RULES: readonly PodRule[] = [
  saidWhy,
  memoryKill,
  refusedByNode,
  evictedByKubelet,
  nodeShutDown,
  suspended,
  takenAway,
  nodeOutOfMemory,
  vanished,
  nodeLost,
  jobDeleted,
  podDeleted,
  savedAndStopped,
  notStarted,
  noProgram,
  logSign,
  signalled,
  crashed,
  failedPod,
  gonePod,
];

/** How the attempt ended; null where it has not, or where nothing is known of it. */
export function diagnose(evidence: AttemptEvidence): AttemptEnd | null {
  const attempt = viewOf(evidence);
  if (!attemptHasEnded(attempt)) {
    const [pod, cause] = doomed(attempt) ?? [null, null];
    return cause === null ? null : endOf(attempt, cause, pod);
  }
  const overall = success(attempt) ?? deadline(attempt);
  if (overall !== null) return endOf(attempt, overall, attempt.pods.find((pod) => pod.started) ?? null);
  const [pod, cause] = causeAmong(attempt) ?? [null, withoutPods(attempt)];
  return cause === null ? null : endOf(attempt, cause, pod);
}

function causeAmong(attempt: AttemptView): [PodView, Finding] | null {
  const known = attempt.pods.length > 0 ? attempt.pods : podFromTraces(attempt);
  const byEnd = [...known].sort((a, b) => endedAtMs(a) - endedAtMs(b));
  for (const rule of POD_RULES) {
    for (const pod of byEnd) {
      const found = trainerCode(pod) === 0 ? null : rule(pod, attempt);
      if (found !== null) return [pod, found];
    }
  }
  return null;
}

function endedAtMs(pod: PodView): number {
  return pod.terminated?.finishedAtMs ?? holding(pod.conditions, 'DisruptionTarget')?.atMs ?? Number.MAX_SAFE_INTEGER;
}

function endOf(attempt: AttemptView, cause: Finding, pod: PodView | null): AttemptEnd {
  const { evidence } = attempt;
  const code = cause.exitCode ?? pod?.terminated?.exitCode ?? null;
  const at = [
    pod?.terminated?.finishedAtMs,
    pod && holding(pod.conditions, 'DisruptionTarget')?.atMs,
    jobFailure(attempt)?.atMs,
  ];
  const endedMs = at.find((ms) => ms != null) ?? evidence.nowMs;
  const limit = cause.outcome === 'host-out-of-memory' ? quantity(pod?.memoryLimit ?? undefined) : null;
  return {
    outcome: cause.outcome,
    message: cause.message,
    exitCode: code,
    node: pod?.node ?? null,
    ...(limit !== null && { memoryLimitBytes: limit }),
    ...(cause.subject !== undefined && { subject: cause.subject }),
    endedAt: new Date(endedMs).toISOString(),
  };
}

import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { AttemptEvidence } from '../../evidence.ts';
import { type AttemptView, type PodView, viewOf } from '../view.ts';
import { pendingReasonOfJob } from './of-job.ts';
import { pendingReasonOfPod } from './of-pod.ts';

/** Why an attempt is not running yet; null where nothing is known or it runs, with all its pods. Pure. */
export function pendingReason(evidence: AttemptEvidence): PendingReason | null {
  const attempt = viewOf(evidence);
  const alive = attempt.pods.filter((pod) => !pod.gone && pod.deletionDueMs === null);
  if (alive.length > 0 && alive.every((pod) => pod.started)) return null;
  return reasonToWait(attempt, alive);
}

/** What the Job waits for, or the first of these pods that says so. */
export function reasonToWait(attempt: AttemptView, pods: readonly PodView[]): PendingReason | null {
  return pendingReasonOfJob(attempt) ?? pods.map(pendingReasonOfPod).find((one) => one !== null) ?? null;
}

import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { AttemptEvidence } from '../evidence.ts';
import { pendingReasonOfJob } from './pending/of-job.ts';
import { pendingReasonOfPod } from './pending/of-pod.ts';
import { viewOf } from './view.ts';

/** Why an attempt is not running yet; null where nothing is known or it runs, with all its pods. Pure. */
export function pendingReason(evidence: AttemptEvidence): PendingReason | null {
  const attempt = viewOf(evidence);
  const alive = attempt.pods.filter((pod) => !pod.gone && pod.deletionDueMs === null);
  if (alive.length > 0 && alive.every((pod) => pod.started)) return null;
  const reasons = alive.map(pendingReasonOfPod);
  return pendingReasonOfJob(attempt) ?? reasons.find((one) => one !== null) ?? null;
}

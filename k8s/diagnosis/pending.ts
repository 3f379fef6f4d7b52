import { pendingReasonOf } from '@lamina/domain/contract/runner.ts';
import type { AttemptEvidence } from '../evidence.ts';
import { pendingReasonOfJob } from './pending/of-job.ts';
import { pendingReasonOfPod } from './pending/of-pod.ts';
import { viewOf } from './view.ts';

/** Why an attempt is not running yet, beginning with its kind; null where nothing is known or it runs, with all its pods. Pure. */
export function pendingReason(evidence: AttemptEvidence): string | null {
  const attempt = viewOf(evidence);
  const alive = attempt.pods.filter((pod) => !pod.gone && pod.deletionDueMs === null);
  if (alive.length > 0 && alive.every((pod) => pod.started)) return null;
  const reasons = alive.map(pendingReasonOfPod);
  const reason = pendingReasonOfJob(attempt) ?? reasons.find((one) => one !== null);
  return reason == null ? null : pendingReasonOf(reason.kind, reason.sentence);
}

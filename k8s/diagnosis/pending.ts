import { pendingReasonOf } from '@lamina/domain/contract/runner.ts';
import type { AttemptEvidence } from '../evidence.ts';
import { pendingReasonOfJob } from './pending/of-job.ts';
import { pendingReasonOfPod } from './pending/of-pod.ts';
import { viewOf } from './view.ts';

/** Why an attempt is not running yet, beginning with its kind; null where nothing is known or it runs. Pure. */
export function pendingReason(evidence: AttemptEvidence): string | null {
  const attempt = viewOf(evidence);
  if (attempt.pods.some((pod) => pod.started && !pod.gone)) return null;
  const reasons = attempt.pods.filter((pod) => !pod.gone && pod.deletionDueMs === null).map(pendingReasonOfPod);
  const reason = pendingReasonOfJob(attempt) ?? reasons.find((one) => one !== null);
  return reason == null ? null : pendingReasonOf(reason.kind, reason.sentence);
}

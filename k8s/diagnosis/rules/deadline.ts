/** The Job's deadline, which is the trial's. */

import { type Finding, finding, onNode } from '../finding.ts';
import { pendingReasonOfPod } from '../pending/of-pod.ts';
import type { AttemptView } from '../view.ts';
import { jobFailure } from './job-failure.ts';
import { checkpointWords } from './said.ts';

export function deadline(attempt: AttemptView): Finding | null {
  if (jobFailure(attempt)?.reason !== 'DeadlineExceeded') return null;
  const limit = attempt.deadlineSeconds === null ? '' : ` of ${attempt.deadlineSeconds} s`;
  const ran = attempt.pods.find((pod) => pod.started);
  if (ran !== undefined) {
    return finding(
      'timed-out',
      `Stopped${onNode(ran)} at the trial's deadline${limit}; a longer policy.trialDeadline would let it end. ${checkpointWords(ran)}`,
    );
  }
  const waited = attempt.pods.map(pendingReasonOfPod).find((one) => one !== null);
  const why = waited === undefined ? '' : ` ${waited.text}`;
  const outcome = waited?.kind === 'image-pull' ? 'image-pull' : 'unschedulable';
  return finding(outcome, `The trial's deadline${limit} passed before it could start.${why}`);
}

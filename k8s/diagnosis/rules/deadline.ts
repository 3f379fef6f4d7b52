/** The Job's deadline, which is the trial's. */
import type { PendingKind } from '@lamina/domain/contract/pending.ts';
import type { FailureClass } from '@lamina/domain/failures/registry.ts';
import { type Finding, finding, onNode } from '../finding.ts';
import { reasonToWait } from '../pending/pending.ts';
import type { AttemptView } from '../view.ts';
import { jobFailure } from './job-failure.ts';
import { savedWords } from './said.ts';

export function deadline(attempt: AttemptView): Finding | null {
  if (jobFailure(attempt)?.reason !== 'DeadlineExceeded') return null;
  const limit = attempt.deadlineSeconds === null ? '' : ` of ${attempt.deadlineSeconds} s`;
  const ran = attempt.pods.find((pod) => pod.started);
  if (ran !== undefined) {
    // No attempt follows on its own: only what was saved is worth saying.
    const saved = savedWords(ran);
    return finding(
      'timed-out',
      `Stopped${onNode(ran)} at the trial's deadline${limit}; a longer policy.trialDeadline would let it end.${saved === null ? '' : ` ${saved}`}`,
    );
  }
  const waited = reasonToWait(attempt, attempt.pods);
  const why = waited === null ? '' : ` ${waited.text}`;
  const outcome = waited === null ? 'unschedulable' : CLASS_OF_WAIT[waited.kind];
  return finding(outcome, `The trial's deadline${limit} passed before it could start.${why}`);
}

/**
 * As what an attempt fails that has waited too long, by what it waited for. The run decides alike where its own deadline
 * passes first (`domain/run/protocol/verdict.ts`, which histories depend on); a test compares the two.
 */
export const CLASS_OF_WAIT: Readonly<Record<PendingKind, FailureClass>> = {
  queued: 'unschedulable',
  unschedulable: 'unschedulable',
  'image-pull': 'image-pull',
  misconfigured: 'invalid',
  starting: 'unschedulable',
};

/** Has the attempt ended, whatever the cluster still has to clean up? */
import { jobFailure } from './rules/job-failure.ts';
import { type AttemptView, holding, type PodView } from './view.ts';

export function attemptHasEnded(attempt: AttemptView): boolean {
  const { pods } = attempt;
  const all = pods.length > 0 && pods.every((pod) => podEnded(pod, attempt.evidence.nowMs));
  if (attempt.jobGone) return all;
  const jobEnded = holding(attempt.conditions, 'Complete') ?? holding(attempt.conditions, 'Failed');
  if (jobEnded !== null) return all || pods.length === 0 || jobFailure(attempt) === null;
  if (!all) return false;
  if (attempt.suspended || attempt.jobDeleting) return true;
  // A pod that was removed without having ended: the Job's controller will say what becomes of the Job.
  return (
    pods.length >= attempt.parallelism &&
    pods.every((pod) => containerEnded(pod) || isLost(pod, attempt.evidence.nowMs))
  );
}

export function podEnded(pod: PodView, nowMs: number): boolean {
  return containerEnded(pod) || pod.gone || isLost(pod, nowMs);
}

/** A sidecar may live longer than the trainer; the trainer is what counts. */
function containerEnded(pod: PodView): boolean {
  return pod.terminated !== null || pod.phase === 'Succeeded' || pod.phase === 'Failed';
}

/** Its node does not answer, and the time in which it should have ended the pod is over. Forcing waits longer (`stuckPods`). */
export function isLost(pod: PodView, nowMs: number): boolean {
  if (containerEnded(pod) || pod.gone || pod.nodeReady !== false) return false;
  return pod.deletionDueMs !== null && nowMs >= pod.deletionDueMs;
}

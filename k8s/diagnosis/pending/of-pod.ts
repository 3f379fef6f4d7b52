/** Why a pod is not running yet. */
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import { reason } from '../finding.ts';
import { holding, type PodView } from '../view.ts';
import { containerWaits } from './container.ts';
import { mountFails } from './mounts.ts';
import { unschedulable } from './unschedulable.ts';

export function pendingReasonOfPod(pod: PodView): PendingReason | null {
  if (pod.started) return null;
  return unschedulable(pod) ?? containerWaits(pod) ?? mountFails(pod) ?? sandboxFails(pod) ?? starting(pod);
}

function sandboxFails(pod: PodView): PendingReason | null {
  const failed = pod.events.findLast((event) => event.reason === 'FailedCreatePodSandBox');
  if (failed === undefined) return null;
  return reason(
    'starting',
    `Node ${pod.node ?? '?'} cannot prepare the trial's network or sandbox yet; the cluster keeps trying.`,
  );
}

function starting(pod: PodView): PendingReason | null {
  if (pod.node !== null) return reason('starting', `Node ${pod.node} is preparing volumes, image and container.`);
  const gate = holding(pod.conditions, 'PodScheduled') === null && pod.conditions.length > 0;
  return gate ? reason('unschedulable', 'No node has been chosen yet.') : null;
}

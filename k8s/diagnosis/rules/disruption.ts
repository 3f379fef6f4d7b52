/** Something in the cluster took the pod away: the condition DisruptionTarget and the kubelet's shutdown say what. */
import { type Finding, finding, onNode, type PodRule, quote, RESUMES, sentence, theNode } from '../finding.ts';
import { holding, type PodView } from '../view.ts';
import { checkpointWords } from './said.ts';

export const nodeShutDown: PodRule = (pod) => {
  const shutdown = pod.reason === 'NodeShutdown' || (pod.reason === 'Terminated' && /shutdown/i.test(pod.message));
  if (!shutdown) return null;
  return finding(
    'disrupted',
    pod.started
      ? `${theNode(pod)} was shut down. ${checkpointWords(pod)}`
      : `${theNode(pod)} was shutting down when the trial arrived. Nothing had started.`,
  );
};

export const takenAway: PodRule = (pod) => {
  const target = holding(pod.conditions, 'DisruptionTarget');
  if (target === null) return null;
  const kept = pod.started ? ` ${checkpointWords(pod)}` : ' Nothing had started.';
  return finding('disrupted', `${why(pod, target.reason, target.message)}${kept}`);
};

function why(pod: PodView, reason: string, message: string): string {
  switch (reason) {
    case 'EvictionByEvictionAPI':
      return `The trial was moved off${pod.node === null ? ' its node' : ` node ${pod.node}`} on request, as when a node is drained for maintenance.`;
    case 'PreemptionByScheduler':
      return `A pod with a higher priority took the trial's place${onNode(pod)}.`;
    case 'DeletionByTaintManager':
      if (pod.nodeReady === false) return `${theNode(pod)} stopped answering, and the cluster gave up what ran there.`;
      if (pod.nodeReady === null) return `${theNode(pod)} was lost, or marked as not to be used (a taint).`;
      return `${theNode(pod)} was marked as not to be used (a taint), and the trial was taken off it.`;
    case 'DeletionByPodGC':
      return `${theNode(pod)} was removed from the cluster while the trial was on it.`;
    case 'TerminationByKubelet':
      return `${theNode(pod)} ended the trial: ${sentence(quote(pod.message || message || pod.reason))}`;
    default:
      return `The cluster took the trial off${pod.node === null ? ' its node' : ` node ${pod.node}`}${reason === '' ? '' : ` (${reason})`}.`;
  }
}

/** The container's end was not seen by anybody: its node was restarted, or lost track of it. */
export const vanished: PodRule = (pod) => {
  const { terminated } = pod;
  if (terminated === null) return null;
  const unknown =
    terminated.reason === 'ContainerStatusUnknown' || (terminated.reason === 'Unknown' && terminated.exitCode === 255);
  if (!unknown) return null;
  return finding('disrupted', `${theNode(pod)} was restarted or lost track of the trial. ${checkpointWords(pod)}`);
};

/** The pod waits for a node to end it, and the node does not answer. */
export const nodeLost: PodRule = (pod): Finding | null => {
  if (pod.terminated !== null || pod.nodeReady !== false) return null;
  return finding('disrupted', `${theNode(pod)} stopped answering while the trial was on it. ${RESUMES}`);
};

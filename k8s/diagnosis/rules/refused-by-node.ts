/** The node refused the pod that the scheduler had sent to it: nothing ran. */
import { type Finding, finding, onNode, type PodRule, quote, theNode } from '../finding.ts';
import { resourceWords } from '../quantity.ts';
import type { PodView } from '../view.ts';

const BROKEN_DEVICES = /no healthy devices|no longer healthy|rpc error|rpc failed|unknown device plugin/i;
const OUT_OF = /^OutOf(.+)$/;

const MOVED: readonly string[] = [
  'NodeAffinity',
  'NodeName',
  'NodePorts',
  'NodeUnschedulable',
  'TaintToleration',
  'PodToleratesNodeTaints',
  'UnknownReason',
  'UnexpectedPredicateFailureType',
  'PodOSNotSupported',
  'PodOSSelectorNodeLabelDoesNotMatch',
  'SupplementalGroupsPolicyNotSupported',
];

export const refusedByNode: PodRule = (pod) => {
  if (pod.phase !== 'Failed' || pod.terminated !== null) return null;
  if (pod.reason === 'UnexpectedAdmissionError') return unexpected(pod);
  const resource = OUT_OF.exec(pod.reason)?.[1];
  if (resource !== undefined) {
    return finding(
      'disrupted',
      `${theNode(pod)} had not enough ${resourceWords(resource)} left when the trial arrived: another pod was faster. Nothing had started.`,
    );
  }
  if (pod.reason === 'TopologyAffinityError') {
    return finding(
      'disrupted',
      `${theNode(pod)} could not give the trial GPU and CPU close to each other, as its topology policy demands. Nothing had started.`,
    );
  }
  if (!MOVED.includes(pod.reason)) return null;
  return finding(
    'disrupted',
    `${theNode(pod)} refused the trial (${pod.reason}): its labels or taints had changed since it was chosen. Nothing had started.`,
  );
};

function unexpected(pod: PodView): Finding {
  const words = quote(pod.message.replace(/^Pod was rejected: /, ''));
  if (BROKEN_DEVICES.test(pod.message)) {
    return finding(
      'gpu-fault',
      `${theNode(pod)} could not hand over a healthy GPU: ${words}. Have the node's GPU and device plugin checked.`,
    );
  }
  return finding('disrupted', `The trial was refused${onNode(pod)} before it started: ${words}.`);
}

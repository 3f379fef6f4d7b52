/** The kernel killed the trainer for host memory. */

import { finding, onNode, type PodRule, theNode } from '../finding.ts';
import { memoryWords } from '../quantity.ts';

export const memoryKill: PodRule = (pod) => {
  if (pod.terminated?.reason !== 'OOMKilled') return null;
  const limit = pod.memoryLimit === null ? 'than the node had' : `than its limit of ${memoryWords(pod.memoryLimit)}`;
  return finding(
    'host-out-of-memory',
    `The trainer${onNode(pod)} used more host memory ${limit} and was killed. It needs a larger memory request (resources.memory), or less data in memory.`,
  );
};

const KILLED = 137;

/** The whole node ran out of memory, and the kernel chose this process. */
export const nodeOutOfMemory: PodRule = (pod, attempt) => {
  if (pod.terminated?.exitCode !== KILLED || pod.node === null) return null;
  const seen = attempt.events.some(
    (event) => event.kind === 'Node' && event.name === pod.node && event.reason === 'SystemOOM',
  );
  if (!seen) return null;
  return finding(
    'host-out-of-memory',
    `${theNode(pod)} ran out of host memory and its kernel killed the trainer. A memory request (resources.memory) that covers what the trial needs keeps others off the node.`,
  );
};

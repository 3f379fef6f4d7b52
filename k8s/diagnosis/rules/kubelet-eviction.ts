/**
 * The node's kubelet ended the pod because the node, or the pod itself, was short of something. An eviction that somebody
 * asks the API server for, as a drain does, is in `disruption.ts`.
 */
import { type Finding, finding, type PodRule, quote, theNode } from '../finding.ts';
import { memoryWords } from '../quantity.ts';
import type { PodView } from '../view.ts';
import { checkpointWords } from './said.ts';

const LOW_ON = /low on resource: ([\w-]+)/;
const PRESSURE = /had condition: \[?(\w+)/;
const USAGE = /was using ([^,]+), request is ([^,]+), has larger consumption/;
const OWN_LIMIT =
  /exceeded its local ephemeral storage limit|exceeds the total limit of containers|Usage of EmptyDir volume/;

const RESOURCE_OF_PRESSURE: Readonly<Record<string, string>> = {
  MemoryPressure: 'memory',
  DiskPressure: 'ephemeral-storage',
  PIDPressure: 'pids',
};

export const evictedByKubelet: PodRule = (pod) => {
  if (pod.reason !== 'Evicted') return null;
  if (OWN_LIMIT.test(pod.message)) return ownDiskLimit(pod);
  const pressure = PRESSURE.exec(pod.message)?.[1];
  const resource = LOW_ON.exec(pod.message)?.[1] ?? RESOURCE_OF_PRESSURE[pressure ?? ''];
  switch (resource) {
    case 'memory':
      return memory(pod);
    case 'ephemeral-storage':
    case 'inodes':
      return finding(
        'disrupted',
        `${theNode(pod)} ran out of local disk, and the trial was evicted from it. ${checkpointWords(pod)} If it happens again, have the node's disk cleared or enlarged.`,
      );
    case 'pids':
      return finding(
        'disrupted',
        `${theNode(pod)} ran out of process numbers, and the trial was evicted from it. ${checkpointWords(pod)}`,
      );
    default:
      return finding('disrupted', `${theNode(pod)} evicted the trial: ${quote(pod.message)} ${checkpointWords(pod)}`);
  }
};

/** The kubelet names the consumption only where it was above the request: the trial asked for too little. */
function memory(pod: PodView): Finding {
  const usage = USAGE.exec(pod.message);
  if (usage === null) {
    return finding(
      'disrupted',
      `${theNode(pod)} ran short of host memory, though the trial kept within its request, and the trial was evicted from it. ${checkpointWords(pod)}`,
    );
  }
  const [, used = '', requested = ''] = usage;
  const asked = requested === '0' ? 'none' : `only ${memoryWords(requested)}`;
  return finding(
    'host-out-of-memory',
    `${theNode(pod)} ran short of host memory, and the trial was evicted from it: it used ${memoryWords(used)} and had asked for ${asked} (resources.memory).`,
  );
}

function ownDiskLimit(pod: PodView): Finding {
  return finding(
    'invalid',
    `The trial wrote more to local disk than its pod is allowed, and was stopped: ${quote(pod.message)} Raise that limit in the cluster settings, or put the folder on a volume.`,
  );
}

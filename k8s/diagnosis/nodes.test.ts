/** What nodes do to attempts. Built by hand from the messages in the sources of Kubernetes 1.34, Kueue 0.17 and NVIDIA's container toolkit. */

import {
  ended,
  event,
  evictedBecause,
  evidence,
  node,
  pod,
  refused,
  said,
  terminated,
  words,
} from './testing/built.ts';
import { checkEnds } from './testing/check-ends.ts';

checkEnds([
  [
    'node short of memory, the trial above its request',
    evictedBecause(
      'The node was low on resource: memory. Threshold quantity: 200Mi, available: 120Mi. Container trainer was using 31Gi, request is 16Gi, has larger consumption of memory. ',
    ),
    'host-out-of-memory',
    'Node gpu-1 ran short of host memory, and the trial was evicted from it: it used 31 GiB and had asked for only 16 GiB (resources.memory).',
  ],
  [
    'node short of memory, the trial without a request',
    evictedBecause(
      'The node was low on resource: memory. Threshold quantity: 200Mi, available: 120Mi. Container trainer was using 3145728Ki, request is 0, has larger consumption of memory. ',
    ),
    'host-out-of-memory',
    'Node gpu-1 ran short of host memory, and the trial was evicted from it: it used 3 GiB and had asked for none (resources.memory).',
  ],
  [
    'node short of memory, the trial within its request',
    evictedBecause('The node was low on resource: memory. Threshold quantity: 200Mi, available: 120Mi. '),
    'disrupted',
    'Node gpu-1 ran short of host memory, though the trial kept within its request, and the trial was evicted from it. The next attempt goes on from the last checkpoint, if one was saved.',
  ],
  [
    'node short of disk',
    evictedBecause(
      'The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 9Gi. Container trainer was using 40Gi, request is 0, has larger consumption of ephemeral-storage. ',
    ),
    'disrupted',
    "Node gpu-1 ran out of local disk, and the trial was evicted from it. The next attempt goes on from the last checkpoint, if one was saved. If it happens again, have the node's disk cleared or enlarged.",
  ],
  [
    'node short of disk, which the trainer met as well',
    evidence({
      pods: [
        pod({
          reason: 'Evicted',
          message: 'The node was low on resource: ephemeral-storage. ',
          state: terminated(1, words(said(1, 'A disk was full: [Errno 28] No space left on device'))),
        }),
      ],
    }),
    'disrupted',
    "Node gpu-1 ran out of local disk, and the trial was evicted from it. The next attempt goes on from the last checkpoint, if one was saved. If it happens again, have the node's disk cleared or enlarged.",
  ],
  [
    'refused under disk pressure',
    evidence({ pods: [pod({ reason: 'Evicted', message: 'The node had condition: [DiskPressure]. ' })] }),
    'disrupted',
    "Node gpu-1 ran out of local disk, and the trial was evicted from it. The next attempt goes on from the last checkpoint, if one was saved. If it happens again, have the node's disk cleared or enlarged.",
  ],
  [
    'node short of process ids',
    evictedBecause('The node was low on resource: pids. Threshold quantity: 100, available: 20. '),
    'disrupted',
    'Node gpu-1 ran out of process numbers, and the trial was evicted from it. The next attempt goes on from the last checkpoint, if one was saved.',
  ],
  [
    'device plugin with no healthy GPU',
    refused(
      'UnexpectedAdmissionError',
      'Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected',
    ),
    'gpu-fault',
    "Node gpu-1 could not hand over a healthy GPU: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected. Have the node's GPU and device plugin checked.",
  ],
  [
    'device plugin that answers with an error',
    refused(
      'UnexpectedAdmissionError',
      'Allocate failed due to rpc error: code = Unknown desc = unknown device: GPU-5f0a, which is unexpected',
    ),
    'gpu-fault',
    "Node gpu-1 could not hand over a healthy GPU: Allocate failed due to rpc error: code = Unknown desc = unknown device: GPU-5f0a, which is unexpected. Have the node's GPU and device plugin checked.",
  ],
  [
    'device plugin not there yet after a restart',
    refused(
      'UnexpectedAdmissionError',
      'Allocate failed due to cannot allocate unregistered device nvidia.com/gpu, which is unexpected',
    ),
    'disrupted',
    'The trial was refused on node gpu-1 before it started: Allocate failed due to cannot allocate unregistered device nvidia.com/gpu, which is unexpected.',
  ],
  [
    'topology policy',
    refused('TopologyAffinityError', 'Resources cannot be allocated with Topology locality'),
    'disrupted',
    'Node gpu-1 could not give the trial GPU and CPU close to each other, as its topology policy demands. Nothing had started.',
  ],
  [
    'a NoExecute taint on a node that answers',
    evidence({
      pods: [
        pod({
          state: terminated(75, words(said(75, 'Stopped after step 3; a checkpoint was saved.'))),
          conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' }],
        }),
      ],
      nodes: new Map([['gpu-1', node('gpu-1', 'True')]]),
    }),
    'disrupted',
    'Node gpu-1 was marked as not to be used (a taint), and the trial was taken off it. Stopped after step 3; a checkpoint was saved.',
  ],
  [
    'a pod that the node needs for itself',
    evidence({
      pods: [
        pod({
          reason: 'Preempting',
          message: 'Preempted in order to admit critical pod',
          state: terminated(137),
          conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }],
        }),
      ],
    }),
    'disrupted',
    'Node gpu-1 ended the trial: Preempted in order to admit critical pod. The next attempt goes on from the last checkpoint, if one was saved.',
  ],
  [
    'node shut down',
    evidence({
      pods: [
        pod({
          reason: 'Terminated',
          message: 'Pod was terminated in response to imminent node shutdown.',
          state: terminated(75, words(said(75, 'Stopped after step 40; a checkpoint was saved.'))),
          conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }],
        }),
      ],
    }),
    'disrupted',
    'Node gpu-1 was shut down. Stopped after step 40; a checkpoint was saved.',
  ],
  [
    'node shutting down when the pod came',
    evidence({ pods: [pod({ reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' })] }),
    'disrupted',
    'Node gpu-1 was shutting down when the trial arrived. Nothing had started.',
  ],
  [
    'node restarted under the container',
    evidence({
      pods: [
        pod({
          phase: 'Failed',
          state: terminated(
            137,
            'The container could not be located when the pod was terminated',
            'ContainerStatusUnknown',
          ),
        }),
      ],
    }),
    'disrupted',
    'Node gpu-1 was restarted or lost track of the trial. The next attempt goes on from the last checkpoint, if one was saved.',
  ],
  [
    'container runtime lost the container',
    ended(255, '', 'Unknown'),
    'disrupted',
    'Node gpu-1 was restarted or lost track of the trial. The next attempt goes on from the last checkpoint, if one was saved.',
  ],
  [
    'kernel out of memory on the whole node',
    evidence({
      pods: [pod({ state: terminated(137) })],
      events: [event('Node', 'gpu-1', 'SystemOOM', 'System OOM encountered, victim process: python, pid: 4711')],
    }),
    'host-out-of-memory',
    'Node gpu-1 ran out of host memory and its kernel killed the trainer. A memory request (resources.memory) that covers what the trial needs keeps others off the node.',
  ],
]);

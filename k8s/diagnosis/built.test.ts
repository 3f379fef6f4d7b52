/**
 * What cannot be provoked on the test cluster: built from the messages in the sources of Kubernetes 1.34 (kubelet,
 * podgc, device manager), Kueue 0.17, NVIDIA's container toolkit and driver.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrialExit } from '@lamina/domain/contract/trial.ts';
import type { AttemptEvidence } from '../evidence.ts';
import { diagnose } from './diagnose.ts';
import { pendingReason } from './pending.ts';
import { event, evidence, job, NOW, node, pod, terminated } from './testing/built.ts';

const said = (code: number, message: string, resultSha256: string | null = null): TrialExit => {
  return { code, reason: 'x', message, resumable: code === 75, resultSha256 };
};
const words = (exit: TrialExit): string => JSON.stringify(exit);
const evictedBecause = (message: string): AttemptEvidence =>
  evidence({
    pods: [
      pod({
        reason: 'Evicted',
        message,
        state: terminated(137),
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message }],
      }),
    ],
  });
const refused = (reason: string, message: string): AttemptEvidence =>
  evidence({ pods: [pod({ reason, message: `Pod was rejected: ${message}` })] });
const ended = (code: number, message = '', reason = 'Error'): AttemptEvidence =>
  evidence({ pods: [pod({ state: terminated(code, message, reason) })] });

const ENDS: readonly (readonly [string, AttemptEvidence, string, string])[] = [
  [
    'node short of memory, the trial above its request',
    evictedBecause(
      'The node was low on resource: memory. Threshold quantity: 200Mi, available: 120Mi. Container trainer was using 31Gi, request is 16Gi, has larger consumption of memory. ',
    ),
    'host-out-of-memory',
    'Node gpu-1 ran short of host memory, and the trial was put off it: it used 31 GiB and had asked for only 16 GiB (resources.memory).',
  ],
  [
    'node short of memory, the trial without a request',
    evictedBecause(
      'The node was low on resource: memory. Threshold quantity: 200Mi, available: 120Mi. Container trainer was using 3145728Ki, request is 0, has larger consumption of memory. ',
    ),
    'host-out-of-memory',
    'Node gpu-1 ran short of host memory, and the trial was put off it: it used 3 GiB and had asked for none (resources.memory).',
  ],
  [
    'node short of memory, the trial within its request',
    evictedBecause('The node was low on resource: memory. Threshold quantity: 200Mi, available: 120Mi. '),
    'disrupted',
    'Node gpu-1 ran short of host memory, though the trial kept within its request, and the trial was put off it. Work up to the last checkpoint is kept.',
  ],
  [
    'node short of disk',
    evictedBecause(
      'The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 9Gi. Container trainer was using 40Gi, request is 0, has larger consumption of ephemeral-storage. ',
    ),
    'disrupted',
    "Node gpu-1 ran out of local disk, and the trial was put off it. Work up to the last checkpoint is kept. If it happens again, have the node's disk cleared or enlarged.",
  ],
  [
    'refused under disk pressure',
    evidence({ pods: [pod({ reason: 'Evicted', message: 'The node had condition: [DiskPressure]. ' })] }),
    'disrupted',
    "Node gpu-1 ran out of local disk, and the trial was put off it. Work up to the last checkpoint is kept. If it happens again, have the node's disk cleared or enlarged.",
  ],
  [
    'node short of process ids',
    evictedBecause('The node was low on resource: pids. Threshold quantity: 100, available: 20. '),
    'disrupted',
    'Node gpu-1 ran out of process numbers, and the trial was put off it. Work up to the last checkpoint is kept.',
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
    'Node gpu-1 was restarted or lost track of the trial. Work up to the last checkpoint is kept.',
  ],
  [
    'container runtime lost the container',
    ended(255, '', 'Unknown'),
    'disrupted',
    'Node gpu-1 was restarted or lost track of the trial. Work up to the last checkpoint is kept.',
  ],
  [
    'a program that ends with 255',
    ended(255, 'fatal: bad\n'),
    'crashed',
    'fatal: bad. (The trainer on node gpu-1 ended with code 255.)',
  ],
  [
    'driver not loaded',
    ended(
      128,
      'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: error running hook #0: exit status 1, stderr: nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown',
      'StartError',
    ),
    'gpu-fault',
    "Node gpu-1 could not give the container its GPU: nvidia-container-cli: initialization error: nvml error: driver not loaded. Have the node's driver and container toolkit checked.",
  ],
  [
    'fatal Xid in the log',
    ended(1, 'step 12\nNVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.\nterminated\n'),
    'gpu-fault',
    'The GPU reported a fault (Xid) on node gpu-1: NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.',
  ],
  [
    "an Xid that is the program's own",
    ended(1, 'NVRM: Xid (PCI:0000:3b:00): 31, pid=12, MMU Fault\n'),
    'crashed',
    'NVRM: Xid (PCI:0000:3b:00): 31, pid=12, MMU Fault. (The trainer on node gpu-1 ended with code 1.)',
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
  [
    'one of two workers out of GPU memory, the other left alone',
    evidence({
      job: job({ spec: { parallelism: 2 } }),
      pods: [
        pod({ name: 'trial-0', node: 'gpu-1', state: terminated(1, 'NCCL error: remote process exited\n') }),
        pod({ name: 'trial-1', node: 'gpu-2', state: terminated(65, words(said(65, 'CUDA out of memory.'))) }),
      ],
    }),
    'gpu-out-of-memory',
    'CUDA out of memory. It ran on node gpu-2.',
  ],
  [
    "one of two workers' node lost, the other left alone",
    evidence({
      job: job({ spec: { parallelism: 2 } }),
      pods: [
        pod({ name: 'trial-0', node: 'gpu-1', state: terminated(1, 'NCCL error: remote process exited\n') }),
        pod({
          name: 'trial-1',
          node: 'gpu-2',
          phase: 'Running',
          state: { running: {} },
          deletedAt: '2026-01-01T11:59:00Z',
          conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' }],
        }),
      ],
      nodes: new Map([['gpu-2', node('gpu-2', 'Unknown')]]),
    }),
    'disrupted',
    'Node gpu-2 stopped answering, and the cluster gave up what ran there. Work up to the last checkpoint is kept.',
  ],
  [
    'the trainer has ended, a sidecar lives on',
    evidence({
      pods: [pod({ phase: 'Running', state: terminated(0, words(said(0, 'Finished.', 'ab')), 'Completed') })],
    }),
    'succeeded',
    'Finished.',
  ],
  [
    'a diverged result',
    evidence({
      pods: [
        pod({
          phase: 'Succeeded',
          state: terminated(0, words(said(0, 'Training diverged at step 3.', 'ab')), 'Completed'),
        }),
      ],
      result: { status: 'diverged', sha256: 'ab' },
    }),
    'diverged',
    'Training diverged at step 3.',
  ],
  [
    'a result that is not the announced one',
    evidence({
      pods: [pod({ phase: 'Succeeded', state: terminated(0, words(said(0, 'Finished.', 'ab')), 'Completed') })],
      result: { status: 'succeeded', sha256: 'cd' },
    }),
    'crashed',
    'The trainer ended as if all was well, but result.json in the artifact store is not the one it wrote on node gpu-1: the digests differ.',
  ],
  [
    'a result that cannot be read',
    evidence({
      pods: [pod({ phase: 'Succeeded', state: terminated(0, words(said(0, 'Finished.', 'ab')), 'Completed') })],
      result: { problem: 'trialId: of another trial' },
    }),
    'crashed',
    'The trainer ended as if all was well, but its result cannot be used: trialId: of another trial.',
  ],
  [
    'killed after it had finished',
    evidence({
      pods: [pod({ state: terminated(137, words(said(0, 'Finished.', 'ab'))) })],
      result: { status: 'succeeded', sha256: 'ab' },
    }),
    'succeeded',
    'Finished.',
  ],
  [
    'done at its deadline after all',
    evidence({
      job: job({ status: { conditions: [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded' }] } }),
      pods: [pod({ state: terminated(0, words(said(0, 'Finished.', 'ab'))) })],
      result: { status: 'succeeded', sha256: 'ab' },
    }),
    'succeeded',
    'Finished.',
  ],
  [
    'invalid, in the middle of a drain',
    evidence({
      pods: [
        pod({
          state: terminated(64, words(said(64, 'No column text.'))),
          conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }],
        }),
      ],
    }),
    'invalid',
    'No column text.',
  ],
  [
    'taken back by Kueue',
    evidence({
      job: job({
        metadata: { name: 'trial', labels: { 'kueue.x-k8s.io/queue-name': 'research' } },
        spec: { suspend: true },
      }),
      pods: [pod({ state: terminated(75, words(said(75, 'Stopped after step 7; a checkpoint was saved.'))) })],
      events: [
        event(
          'Job',
          'trial',
          'Stopped',
          'Preempted to accommodate a workload due to prioritization in the ClusterQueue',
        ),
      ],
    }),
    'disrupted',
    'Queue research took the place back while the trial was under way on node gpu-1 (Preempted to accommodate a workload due to prioritization in the ClusterQueue). Stopped after step 7; a checkpoint was saved.',
  ],
  [
    'only the Job is left: an exit code',
    evidence({
      job: job({
        status: {
          conditions: [
            {
              type: 'Failed',
              status: 'True',
              reason: 'PodFailurePolicy',
              message:
                'Container trainer for pod lamina/trial-0 failed with exit code 65 matching FailJob rule at index 1',
            },
          ],
        },
      }),
    }),
    'gpu-out-of-memory',
    "The GPU's memory was not enough.",
  ],
  [
    'only the Job is left: a disruption',
    evidence({
      job: job({
        status: {
          conditions: [
            {
              type: 'Failed',
              status: 'True',
              reason: 'PodFailurePolicy',
              message: 'Pod lamina/trial-0 has condition DisruptionTarget matching FailJob rule at index 0',
            },
          ],
        },
      }),
    }),
    'disrupted',
    'The cluster took the trial off its node. Work up to the last checkpoint is kept.',
  ],
  [
    'only the Job and exit.json are left',
    evidence({
      job: job({ status: { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] } }),
      exit: said(64, 'No column text.'),
    }),
    'invalid',
    'No column text.',
  ],
  [
    'only the Job is left: no reason',
    evidence({
      job: job({
        status: {
          conditions: [
            {
              type: 'Failed',
              status: 'True',
              reason: 'BackoffLimitExceeded',
              message: 'Job has reached the specified backoff limit',
            },
          ],
        },
      }),
    }),
    'crashed',
    'The Job failed, and its pod was gone before anybody could see why (Job has reached the specified backoff limit).',
  ],
  [
    'nothing is left but a pod that was last seen running',
    evidence({
      job: null,
      pods: [pod({ phase: 'Running', state: { running: {} } })],
      gonePods: new Set(['uid-of-trial-0']),
    }),
    'disrupted',
    'The Job was deleted before it said how it ended on node gpu-1. Work up to the last checkpoint is kept.',
  ],
  [
    'stuck on a node that does not answer, its Job deleted',
    evidence({
      job: null,
      pods: [pod({ phase: 'Running', state: { running: {} }, deletedAt: '2026-01-01T11:59:59Z' })],
      nodes: new Map([['gpu-1', node('gpu-1', 'Unknown')]]),
    }),
    'disrupted',
    'Node gpu-1 stopped answering while the trial was on it. Work up to the last checkpoint is kept.',
  ],
];

for (const [name, given, outcome, message] of ENDS) {
  test(`${name}: ${outcome}`, () => {
    const end = diagnose(given);
    assert.equal(end?.message, message);
    assert.equal(end?.outcome, outcome);
  });
}

const waiting = (reason: string, message: string, events: AttemptEvidence['events'] = []): AttemptEvidence =>
  evidence({ pods: [pod({ phase: 'Pending', state: { waiting: { reason, message } } })], events });
const unscheduled = (message: string): AttemptEvidence =>
  evidence({
    pods: [
      pod({
        phase: 'Pending',
        node: null,
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      }),
    ],
  });

const WAITS: readonly (readonly [string, AttemptEvidence, string | null])[] = [
  [
    'an image that the registry does not have',
    waiting(
      'ErrImagePull',
      'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example.org/lamina/trainer:1": registry.example.org/lamina/trainer:1: not found',
    ),
    'image-pull: The image registry.example.org/lamina/trainer:1 cannot be fetched: the registry does not have it. Correct the image in the cluster settings.',
  ],
  [
    'an image without access, in back-off',
    waiting('ImagePullBackOff', 'Back-off pulling image "registry.example.org/lamina/trainer:1"', [
      event('Pod', 'trial-0', 'Failed', 'Failed to pull image: 401 Unauthorized'),
    ]),
    'image-pull: The image registry.example.org/lamina/trainer:1 cannot be fetched: the registry refuses access. Name a Secret with access in imagePullSecrets of the cluster settings.',
  ],
  [
    'GPUs beyond the quota',
    evidence({
      events: [
        event(
          'Job',
          'trial',
          'FailedCreate',
          'Error creating: pods "trial-x" is forbidden: exceeded quota: team, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=8, limited: requests.nvidia.com/gpu=8',
        ),
      ],
    }),
    'unschedulable: The namespace\'s quota "team" is used up: the trial asks for requests.nvidia.com/gpu=1, requests.nvidia.com/gpu=8 is in use, and the limit is requests.nvidia.com/gpu=8. It starts when others end, or with a higher quota.',
  ],
  [
    'nodes of all kinds',
    unscheduled(
      "0/9 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, 1 node(s) had untolerated taint {dedicated: inference}, 1 node(s) were unschedulable, 2 Insufficient nvidia.com/gpu, 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/9 nodes are available: 3 No preemption victims found for incoming pod, 6 Preemption is not helpful for scheduling.",
    ),
    'unschedulable: No node takes the trial: of 9 nodes, 1 has too little memory free, 1 does not answer, 1 is kept for other work (taint dedicated), 1 is cordoned (closed for new work), 2 have too little nvidia.com/gpu free, 3 are of another kind than asked for, or excluded after a fault.',
  ],
  ['no nodes at all', unscheduled('no nodes available to schedule pods'), 'unschedulable: The cluster has no nodes.'],
  [
    'a volume that one node has',
    waiting('ContainerCreating', '', [
      event(
        'Pod',
        'trial-0',
        'FailedAttachVolume',
        'Multi-Attach error for volume "pvc-7" Volume is already used by pod(s) other-0',
      ),
    ]),
    'misconfigured: The volume "pvc-7" can be attached to one node at a time and another node has it; use a volume that several nodes can share (ReadWriteMany).',
  ],
  [
    'a key that a Secret lacks',
    waiting('CreateContainerConfigError', "couldn't find key HF_TOKEN in Secret lamina/hf"),
    'misconfigured: The Secret "lamina/hf" has no key "HF_TOKEN"; add it.',
  ],
  ['nothing known', evidence({}), null],
  ['running', evidence({ pods: [pod({ phase: 'Running', state: { running: {} } })] }), null],
];

for (const [name, given, expected] of WAITS) {
  test(`waiting for ${name}`, () => {
    assert.equal(diagnose(given), null);
    assert.equal(pendingReason(given), expected);
  });
}

test('a container whose GPU cannot be found is a fault of its node', () => {
  const given = waiting(
    'CreateContainerError',
    'failed to generate spec: failed to inject CDI devices: unresolvable CDI devices nvidia.com/gpu=GPU-5f0a',
  );
  assert.equal(diagnose(given)?.outcome, 'gpu-fault');
});

test('a running pod on a node that does not answer has not ended until its deletion is due', () => {
  const given = (deletedAt?: string) =>
    evidence({
      pods: [pod({ phase: 'Running', state: { running: {} }, ...(deletedAt !== undefined && { deletedAt }) })],
      nodes: new Map([['gpu-1', node('gpu-1', 'Unknown')]]),
    });
  assert.equal(diagnose(given()), null);
  assert.equal(diagnose(given('2026-01-01T12:00:01Z')), null);
  assert.equal(diagnose(given(NOW))?.outcome, 'disrupted');
});

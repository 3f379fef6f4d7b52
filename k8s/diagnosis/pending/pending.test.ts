/** Attempts that wait. Built by hand from the messages in the sources of Kubernetes 1.34, Kueue 0.17 and NVIDIA's container toolkit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptEvidence } from '../../evidence.ts';
import { diagnose } from '../diagnose.ts';
import { event, evidence, job, NOW, node, pod, unscheduled, waiting } from '../testing/built.ts';
import { spoken } from '../testing/spoken.ts';
import { pendingReason } from './pending.ts';

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
    'a quota that the cluster has not counted yet',
    evidence({
      events: [
        event(
          'Job',
          'trial',
          'FailedCreate',
          'Error creating: pods "trial-x" is forbidden: status unknown for quota: team, resources: pods',
        ),
      ],
    }),
    'unschedulable: The cluster has not counted yet what is in use of the namespace\'s quota "team", as just after it was made. The trial starts once it has.',
  ],
  [
    'nodes of all kinds',
    unscheduled(
      "0/9 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, 1 node(s) had untolerated taint {dedicated: inference}, 1 node(s) were unschedulable, 2 Insufficient nvidia.com/gpu, 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/9 nodes are available: 3 No preemption victims found for incoming pod, 6 Preemption is not helpful for scheduling.",
    ),
    'unschedulable: No node takes the trial: of 9 nodes, 1 has not enough host memory free, 1 does not answer, 1 is kept for other work (taint dedicated), 1 is cordoned (closed for new work), 2 have not enough GPUs free, 3 are of another kind than asked for, or excluded after a fault.',
  ],
  [
    'a ConfigMap that the node has not read yet',
    waiting('ContainerCreating', '', [
      event(
        'Pod',
        'trial-0',
        'FailedMount',
        'MountVolume.SetUp failed for volume "recipes" : failed to sync configmap cache: timed out waiting for the condition',
      ),
    ]),
    'starting: Node gpu-1 is still asking for the content of the volume "recipes".',
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
  [
    'the second of two pods',
    evidence({
      job: job({ spec: { parallelism: 2 } }),
      pods: [
        pod({ name: 'trial-0', phase: 'Running', state: { running: {} } }),
        pod({
          name: 'trial-1',
          phase: 'Pending',
          node: null,
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.',
            },
          ],
        }),
      ],
    }),
    'unschedulable: No node takes the trial: of 1 node, 1 has not enough GPUs free.',
  ],
  ['running', evidence({ pods: [pod({ phase: 'Running', state: { running: {} } })] }), null],
];

for (const [name, given, expected] of WAITS) {
  test(`waiting for ${name}`, () => {
    assert.equal(diagnose(given), null);
    assert.equal(spoken(pendingReason(given)), expected);
  });
}

test('a container whose GPU cannot be found is a fault of its node', () => {
  const given = waiting(
    'CreateContainerError',
    'failed to generate spec: failed to inject CDI devices: unresolvable CDI devices nvidia.com/gpu=GPU-5f0a',
  );
  const end = diagnose({
    ...given,
    pods: [pod({ name: 'a', node: 'gpu-9', phase: 'Running', state: { running: {} } }), ...given.pods],
  });
  assert.deepEqual([end?.outcome, end?.node], ['gpu-fault', 'gpu-1']);
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

test('resources have names that people use', () => {
  const wanted = (resource: string) =>
    pendingReason(unscheduled(`0/2 nodes are available: 2 Insufficient ${resource}.`))?.text.replace(
      /^.*all 2 have /,
      '',
    );
  assert.equal(wanted('cpu'), 'not enough CPU free.');
  assert.equal(wanted('nvidia.com/mig-3g.40gb'), 'not enough GPU slices (3g.40gb) free.');
  assert.equal(wanted('example.com/fpga'), 'not enough example.com/fpga free.');
});

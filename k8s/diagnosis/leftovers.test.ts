/** Several pods, and attempts of which parts are gone: built by hand from messages in the sources of Kubernetes and Kueue. */

import { event, evidence, job, NOW, node, pod, said, terminated, words } from './testing/built.ts';
import { checkEnds } from './testing/check-ends.ts';

const BLAMES_FIRST = job({
  spec: { parallelism: 3 },
  status: {
    conditions: [
      {
        type: 'Failed',
        status: 'True',
        reason: 'PodFailurePolicy',
        message: 'Container trainer for pod lamina/trial-0 failed with exit code 1 matching FailJob rule at index 1',
      },
    ],
  },
});

checkEnds([
  [
    'one of three workers crashes, the others are stopped or never start',
    evidence({
      job: BLAMES_FIRST,
      pods: [
        pod({ name: 'trial-0', state: terminated(1, 'ValueError: x\n') }),
        pod({
          name: 'trial-1',
          state: terminated(75, words(said(75, 'Stopped after step 3; a checkpoint was saved.'))),
          deletedAt: NOW,
        }),
        pod({ name: 'trial-2', phase: 'Pending', node: null, deletedAt: NOW }),
      ],
      gonePods: new Set(['uid-of-trial-2']),
    }),
    'crashed',
    'ValueError: x. (The trainer on node gpu-1 ended with code 1.)',
  ],
  [
    'two workers end well, the second of which wrote the result',
    evidence({
      job: job({ spec: { parallelism: 2 } }),
      pods: [
        pod({ name: 'trial-0', phase: 'Succeeded', state: terminated(0, '', 'Completed') }),
        pod({
          name: 'trial-1',
          phase: 'Succeeded',
          state: terminated(0, words(said(0, 'Finished.', 'ab')), 'Completed'),
        }),
      ],
    }),
    'succeeded',
    'Finished.',
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
    'Node gpu-2 stopped answering, and the cluster gave up what ran there. The next attempt goes on from the last checkpoint, if one was saved.',
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
    'Queue research took the place back while the trial was under way on node gpu-1 (prioritization in the ClusterQueue). Stopped after step 7; a checkpoint was saved.',
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
    'The cluster took the trial off its node. The next attempt goes on from the last checkpoint, if one was saved.',
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
    'The Job was deleted before it said how it ended on node gpu-1. The next attempt goes on from the last checkpoint, if one was saved.',
  ],
  [
    'stuck on a node that does not answer, its Job deleted',
    evidence({
      job: null,
      pods: [pod({ phase: 'Running', state: { running: {} }, deletedAt: '2026-01-01T11:59:59Z' })],
      nodes: new Map([['gpu-1', node('gpu-1', 'Unknown')]]),
    }),
    'disrupted',
    'Node gpu-1 stopped answering while the trial was on it. The next attempt goes on from the last checkpoint, if one was saved.',
  ],
]);

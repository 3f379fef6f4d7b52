/** How trainers end. Built by hand from the messages in the sources of Kubernetes 1.34, Kueue 0.17 and NVIDIA's container toolkit. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnose } from './diagnose.ts';
import { ended, evidence, job, pod, said, terminated, words } from './testing/built.ts';
import { checkEnds } from './testing/check-ends.ts';

checkEnds([
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
    'The GPU failed on node gpu-1: NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.',
  ],
  [
    "an Xid that is the program's own",
    ended(1, 'NVRM: Xid (PCI:0000:3b:00): 31, pid=12, MMU Fault\n'),
    'crashed',
    'NVRM: Xid (PCI:0000:3b:00): 31, pid=12, MMU Fault. (The trainer on node gpu-1 ended with code 1.)',
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
]);

test('what the trainer says is at fault for all trials that share it is kept, of a pod and of exit.json alone', () => {
  const pointer = said(64, 'A pointer.', null, 'model');
  assert.equal(diagnose(ended(64, words(pointer)))?.subject, 'model');
  const failed = job({ status: { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] } });
  assert.equal(diagnose(evidence({ exit: pointer, job: failed }))?.subject, 'model');
  assert.equal(diagnose(ended(64, words(said(64, 'No such method.'))))?.subject, undefined);
  assert.equal(diagnose(ended(65, words(said(65, 'CUDA out of memory.', null, 'model'))))?.subject, undefined);
});

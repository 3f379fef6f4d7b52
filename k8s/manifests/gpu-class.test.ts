import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GpuRequest, gpuRequest, podCount } from './gpu-class.ts';
import { goldenSettings } from './testing/golden.ts';

const settings = goldenSettings({
  nodeSelector: { pool: 'research', zone: 'a' },
  queue: 'trials',
  gpusPerPod: 8,
  gpuClasses: {
    large: { nodeSelector: { zone: 'b' }, gpusPerPod: 4 },
    slice: { resource: 'nvidia.com/mig-1g.10gb', queue: 'slices' },
    'nvidia.com/mig-2g.20gb': { resource: 'nvidia.com/mig-2g.20gb.shared' },
  },
});
const base = {
  resource: 'nvidia.com/gpu',
  nodeSelector: { pool: 'research', zone: 'a' },
  queue: 'trials',
  gpusPerPod: 8,
};

const table: readonly (readonly [string, string | null, GpuRequest | null])[] = [
  ['no class: any GPU', null, base],
  ['the resource: any GPU', 'nvidia.com/gpu', base],
  [
    'a class of the settings, whose labels go first',
    'large',
    { ...base, nodeSelector: { pool: 'research', zone: 'b' }, gpusPerPod: 4 },
  ],
  [
    'a class with a resource and a queue of its own',
    'slice',
    { ...base, resource: 'nvidia.com/mig-1g.10gb', queue: 'slices' },
  ],
  ['a MIG profile', 'nvidia.com/mig-3g.40gb', { ...base, resource: 'nvidia.com/mig-3g.40gb' }],
  [
    'a class that is named like a MIG profile',
    'nvidia.com/mig-2g.20gb',
    { ...base, resource: 'nvidia.com/mig-2g.20gb.shared' },
  ],
  ['a product', 'Tesla-T4', { ...base, nodeSelector: { ...base.nodeSelector, 'nvidia.com/gpu.product': 'Tesla-T4' } }],
  [
    'a name that every object has is not a class',
    'constructor',
    { ...base, nodeSelector: { ...base.nodeSelector, 'nvidia.com/gpu.product': 'constructor' } },
  ],
  ['nothing that a node could announce', '24 GB (RTX 4090)', null],
];

for (const [name, gpuClass, expected] of table) {
  test(name, () => assert.deepEqual(gpuRequest(gpuClass, settings), expected));
}

const divided: readonly (readonly [number, number | null, number])[] = [
  [0, 8, 1],
  [8, null, 1],
  [8, 8, 1],
  [16, 8, 2],
  [12, 8, 2],
  // Neither 2 nor 3 pods of at most 4 can have equal shares of 10.
  [10, 4, 5],
  [7, 4, 7],
];
for (const [gpus, perPod, pods] of divided) {
  test(`${gpus} GPUs, at most ${perPod} in a pod: ${pods} pods`, () => assert.equal(podCount(gpus, perPod), pods));
}

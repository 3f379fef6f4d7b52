import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { V1Node, V1Pod } from '@kubernetes/client-node';
import type { GpuClassInventory } from '@lamina/domain/contract/gpus.ts';
import { goldenSettings } from '../manifests/testing/golden.ts';
import { gpuClassesOf } from './classes.ts';

/** Two nodes of a real cluster, with the labels of GPU feature discovery. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'recorded/nodes.json'), 'utf8')) as V1Node[];

const A100: GpuClassInventory = {
  name: 'NVIDIA-A100-SXM4-40GB',
  product: 'NVIDIA-A100-SXM4-40GB',
  memoryBytes: 40_960 * 2 ** 20,
  computeCapability: '8.0',
  mig: null,
  nodes: 1,
  perNode: 4,
  total: 4,
  free: 4,
  pricePerHour: null,
};
const H100: GpuClassInventory = {
  ...A100,
  name: 'NVIDIA-H100-80GB-HBM3',
  product: 'NVIDIA-H100-80GB-HBM3',
  memoryBytes: 81_559 * 2 ** 20,
  computeCapability: '9.0',
};

interface NodeSketch {
  readonly labels?: Record<string, string>;
  readonly gpus?: Record<string, string>;
  readonly ready?: string;
  readonly spec?: object;
}

function node(name: string, { labels = {}, gpus = {}, ready = 'True', spec = {} }: NodeSketch = {}): V1Node {
  return {
    metadata: { name, labels },
    spec,
    status: { allocatable: { cpu: '8', ...gpus }, conditions: [{ type: 'Ready', status: ready }] },
  } as V1Node;
}

const T4 = { 'nvidia.com/gpu.product': 'Tesla-T4', 'nvidia.com/gpu.memory': '15360' };
const two = { 'nvidia.com/gpu': '2' };

function pod(nodeName: string | null, gpus: string, phase = 'Running', more: object = {}): V1Pod {
  const containers = [{ name: 'a', resources: { limits: { 'nvidia.com/gpu': gpus } } }];
  return { spec: { nodeName, containers, ...more }, status: { phase } } as unknown as V1Pod;
}

const brief = (classes: readonly GpuClassInventory[]) =>
  classes.map(({ name, nodes, perNode, total, free }) => [name, nodes, perNode, total, free]);

test('products of recorded nodes, from small to large', () => {
  assert.deepEqual(gpuClassesOf(recorded, [], goldenSettings()), [A100, H100]);
});

test('a cluster without GPUs has no classes', () => {
  assert.deepEqual(gpuClassesOf([node('cpu')], [], goldenSettings()), []);
});

const absent: readonly (readonly [string, NodeSketch])[] = [
  ['is cordoned', { spec: { unschedulable: true } }],
  ['is not ready', { ready: 'False' }],
  ['has not been heard of', { ready: 'Unknown' }],
  [
    'has a taint that trials do not tolerate',
    { spec: { taints: [{ key: 'team', value: 'b', effect: 'NoSchedule' }] } },
  ],
  ['is lost', { spec: { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] } }],
  ['has no GPUs any more', { gpus: { 'nvidia.com/gpu': '0' } }],
];
for (const [name, sketch] of absent) {
  test(`a node that ${name} does not count`, () => {
    const away = node('away', { labels: T4, gpus: two, ...sketch });
    assert.deepEqual(gpuClassesOf([away], [], goldenSettings()), []);
    const there = node('there', { labels: T4, gpus: { 'nvidia.com/gpu': '1' } });
    assert.deepEqual(brief(gpuClassesOf([away, there], [], goldenSettings())), [['Tesla-T4', 1, 1, 1, 1]]);
  });
}

test('taints of GPU nodes and taints that only advise are tolerated', () => {
  const taints = [
    { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' },
    { key: 'busy', effect: 'PreferNoSchedule' },
  ];
  const classes = gpuClassesOf([node('a', { labels: T4, gpus: two, spec: { taints } })], [], goldenSettings());
  assert.deepEqual(brief(classes), [['Tesla-T4', 1, 2, 2, 2]]);
});

test('what pods hold is not free; what has ended or waits holds nothing', () => {
  const nodes = [node('a', { labels: T4, gpus: two }), node('b', { labels: T4, gpus: { 'nvidia.com/gpu': '8' } })];
  const pods = [
    pod('a', '1'),
    pod('b', '3', 'Pending'),
    pod('b', '2', 'Succeeded'),
    pod('b', '2', 'Failed'),
    pod(null, '4', 'Pending'),
    pod('elsewhere', '4'),
    // On a node that takes no more pods more may be held than it announces.
    pod('a', '5'),
  ];
  assert.deepEqual(brief(gpuClassesOf(nodes, pods, goldenSettings())), [['Tesla-T4', 2, 8, 10, 5]]);
});

test('init containers count where they need more than what follows, sidecars in addition', () => {
  const init = (gpus: string, more: object = {}) => ({ resources: { limits: { 'nvidia.com/gpu': gpus } }, ...more });
  const free = (initContainers: object[]) => {
    const nodes = [node('a', { labels: T4, gpus: { 'nvidia.com/gpu': '8' } })];
    return gpuClassesOf(nodes, [pod('a', '2', 'Running', { initContainers })], goldenSettings())[0]?.free;
  };
  assert.equal(free([init('1')]), 6);
  assert.equal(free([init('3')]), 5);
  assert.equal(free([init('1', { restartPolicy: 'Always' }), init('3')]), 4);
  assert.equal(free([init('4'), init('1', { restartPolicy: 'Always' })]), 4);
});

test('where the pods of others cannot be seen nobody knows what is free', () => {
  assert.deepEqual(
    gpuClassesOf(recorded, null, goldenSettings()).map(({ free }) => free),
    [null, null],
  );
});

test('nodes that do not say which product they have count as any GPU', () => {
  const [any] = gpuClassesOf([node('a', { gpus: two })], [], goldenSettings());
  assert.deepEqual(any, {
    ...A100,
    name: 'nvidia.com/gpu',
    product: null,
    memoryBytes: null,
    computeCapability: null,
    perNode: 2,
    total: 2,
    free: 2,
  });
});

const A100_MIXED = {
  'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-40GB',
  'nvidia.com/gpu.memory': '40960',
  'nvidia.com/gpu.compute.major': '8',
  'nvidia.com/gpu.compute.minor': '0',
  'nvidia.com/mig.strategy': 'mixed',
  'nvidia.com/mig-3g.20gb.memory': '19968',
  'nvidia.com/mig-3g.20gb.product': 'NVIDIA-A100-SXM4-40GB-MIG-3g.20gb',
};

test('MIG profiles next to whole GPUs are classes of their own', () => {
  const gpus = { 'nvidia.com/gpu': '6', 'nvidia.com/mig-3g.20gb': '4', 'nvidia.com/mig-1g.5gb': '0' };
  const pods = [
    pod('a', '1', 'Running', { containers: [{ resources: { limits: { 'nvidia.com/mig-3g.20gb': '1' } } }] }),
  ];
  assert.deepEqual(gpuClassesOf([node('a', { labels: A100_MIXED, gpus })], pods, goldenSettings()), [
    {
      ...A100,
      name: 'nvidia.com/mig-3g.20gb',
      memoryBytes: 19_968 * 2 ** 20,
      mig: '3g.20gb',
      total: 4,
      free: 3,
    },
    { ...A100, perNode: 6, total: 6, free: 6 },
  ]);
});

test('a node of which every GPU is one profile announces it as its product', () => {
  const labels = {
    'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-40GB-MIG-1g.5gb',
    'nvidia.com/gpu.memory': '4864',
  };
  const [slices] = gpuClassesOf([node('a', { labels, gpus: { 'nvidia.com/gpu': '7' } })], [], goldenSettings());
  assert.deepEqual([slices?.mig, slices?.memoryBytes, slices?.total], ['1g.5gb', 4864 * 2 ** 20, 7]);
});

test('classes of the settings: by labels, by resource, with prices; also where no node has them now', () => {
  const settings = goldenSettings({
    gpuClasses: {
      any: { pricePerHour: 1.5 },
      large: { nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3' }, pricePerHour: 4 },
      slice: { resource: 'nvidia.com/mig-1g.10gb' },
    },
  });
  const classes = gpuClassesOf(recorded, [pod('node2', '1')], settings);
  assert.deepEqual(classes, [
    {
      name: 'slice',
      product: null,
      memoryBytes: null,
      computeCapability: null,
      mig: '1g.10gb',
      nodes: 0,
      perNode: 0,
      total: 0,
      free: 0,
      pricePerHour: null,
    },
    A100,
    // What fits into any of its GPUs has to fit into the smallest.
    { ...A100, name: 'any', product: null, computeCapability: null, nodes: 2, total: 8, free: 7, pricePerHour: 1.5 },
    { ...H100, free: 3 },
    { ...H100, name: 'large', free: 3, pricePerHour: 4 },
  ]);
});

test('only nodes with the labels that every trial asks for count', () => {
  const nodes = [
    node('a', { labels: { ...T4, pool: 'research' }, gpus: two }),
    node('b', { labels: { ...T4, pool: 'serving' }, gpus: two }),
    node('c', { labels: { 'nvidia.com/gpu.product': 'Tesla-V100', pool: 'serving' }, gpus: two }),
  ];
  assert.deepEqual(brief(gpuClassesOf(nodes, [], goldenSettings({ nodeSelector: { pool: 'research' } }))), [
    ['Tesla-T4', 1, 2, 2, 2],
  ]);
});

test('another vendor: one resource, and no labels that anybody could read', () => {
  const settings = goldenSettings({ gpuResource: 'amd.com/gpu' });
  const nodes = [node('a', { gpus: { 'amd.com/gpu': '8' } }), ...recorded];
  assert.deepEqual(brief(gpuClassesOf(nodes, [], settings)), [['amd.com/gpu', 1, 8, 8, 8]]);
});

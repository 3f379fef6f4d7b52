import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceView } from '@lamina/domain/contract/devices.ts';
import type { GpuClassInventory } from '@lamina/domain/contract/gpus.ts';
import { deviceOf } from '@lamina/domain/devices/testing/devices.ts';
import { Chalk } from 'chalk';
import { gpusText } from './gpus.ts';

const io = { color: new Chalk({ level: 0 }), now: () => Date.parse('2026-01-01T00:00:12Z') };
const found = { source: 'kubernetes (lamina)', at: '2026-01-01T00:00:00Z', note: null };
const h100: GpuClassInventory = {
  name: 'NVIDIA-H100-80GB-HBM3',
  product: 'NVIDIA-H100-80GB-HBM3',
  memoryBytes: 79.6 * 2 ** 30,
  computeCapability: '9.0',
  mig: null,
  nodes: 2,
  perNode: 8,
  total: 16,
  free: 3,
  pricePerHour: null,
};

test('GPUs as a table; what is not known is a dash', () => {
  const slice = { ...h100, name: 'slice', mig: '3g.40gb', memoryBytes: null, computeCapability: null, free: null };
  assert.equal(
    gpusText({ ...found, classes: [h100, slice] }, io),
    `class                    memory  CUDA  nodes  a node     free
NVIDIA-H100-80GB-HBM3  79.6 GiB   9.0      2       8  3 of 16
slice (3g.40gb)               –     –      2       8  ? of 16
kubernetes (lamina), seen 12 s ago
`,
  );
});

test('no GPU: the note says why', () => {
  assert.match(gpusText({ ...found, classes: [], note: 'No node has one.' }, io), /^No node has one\.\n/);
});

test('GPUs of one machine, one by one: who uses them, what is set aside and why', () => {
  const device = (index: number, more: Partial<DeviceView> = {}): DeviceView => ({
    ...deviceOf(index),
    uuid: `GPU-${index}7b3c2d4-5e6f`,
    attemptId: null,
    setAside: null,
    ...more,
  });
  const processes = [
    { pid: 4242, name: 'python', memoryBytes: 50 * 2 ** 30 },
    { pid: 4243, name: null, memoryBytes: null },
  ];
  const setAside = {
    device: 'GPU-2',
    faults: 3,
    since: '2026-01-01T00:00:00Z',
    until: null,
    reason: 'The GPU failed: Xid 79',
    attemptId: 'e-t-1',
  };
  const devices = [
    device(0, { attemptId: 'exp-abc-1', processes }),
    device(1, { processes, freeBytes: 30 * 2 ** 30 }),
    device(2, { setAside }),
    device(3, { problem: 'GPU is lost', freeBytes: null }),
    device(4),
  ];
  assert.equal(
    gpusText({ ...found, source: 'local (warm)', classes: [h100], devices, note: 'NVIDIA driver 580.65.06.' }, io),
    `GPU  class              free  UUID          used by
0    H100   80.0 of 80.0 GiB  GPU-07b3c2d4  exp-abc-1
1    H100   30.0 of 80.0 GiB  GPU-17b3c2d4  python 4242 (50.0 GiB), process 4243
2    H100   80.0 of 80.0 GiB  GPU-27b3c2d4  nobody: set aside
3    H100      ? of 80.0 GiB  GPU-37b3c2d4  nobody: GPU is lost
4    H100   80.0 of 80.0 GiB  GPU-47b3c2d4  –
GPU 2 was set aside 12 s ago, until \`lamina gpus --take-back 2\`: The GPU failed: Xid 79 (e-t-1)
NVIDIA driver 580.65.06.
local (warm), seen 12 s ago
`,
  );
});

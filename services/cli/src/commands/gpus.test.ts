import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GpuClassInventory } from '@lamina/domain/contract/gpus.ts';
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

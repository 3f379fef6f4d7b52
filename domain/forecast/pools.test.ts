import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GpuClassInventory, GpuInventory } from '../contract/gpus.ts';
import { ANY_CLASS, poolOf, poolSizes } from './pools.ts';

function gpuClass(name: string, total: number, free: number | null): GpuClassInventory {
  const unknown = { product: null, memoryBytes: null, computeCapability: null, mig: null, pricePerHour: null };
  return { ...unknown, name, nodes: 1, perNode: total, total, free };
}

function inventory(classes: readonly GpuClassInventory[], source = 'kubernetes (lamina)'): GpuInventory {
  return { source, at: '2026-03-01T10:00:00.000Z', classes, note: null };
}

const H100 = gpuClass('h100', 8, 2);
const A100 = gpuClass('a100', 4, null);

test('a trial takes its GPUs from the class of its plan, where a cluster hands them out', () => {
  const both = inventory([H100, A100]);
  assert.equal(poolOf({ gpuClass: 'h100', gpus: 1 }, both), 'h100');
  assert.equal(poolOf({ gpuClass: null, gpus: 1 }, both), ANY_CLASS);
  assert.equal(poolOf({ gpuClass: null, gpus: 1 }, inventory([H100])), 'h100');
});

test('nothing holds a trial back that needs no GPU, runs on a machine of its own, or names a class nobody knows', () => {
  assert.equal(poolOf({ gpuClass: null, gpus: 0 }, inventory([H100])), null);
  assert.equal(poolOf({ gpuClass: null, gpus: 1 }, inventory([H100], 'local (warm)')), null);
  assert.equal(poolOf({ gpuClass: null, gpus: 1 }, null), null);
  assert.equal(poolOf({ gpuClass: 'b200', gpus: 1 }, inventory([H100])), null);
  assert.equal(poolOf({ gpuClass: null, gpus: 1 }, inventory([])), null);
});

test('trials can have what is free and what trials held then, never more than there is', () => {
  const held = [
    { gpuClass: 'h100', gpus: 2 },
    { gpuClass: 'b200', gpus: 3 },
  ];
  const sizes = poolSizes(inventory([H100, A100]), held);
  assert.deepEqual(
    [...sizes],
    [
      ['h100', 4],
      ['a100', 4],
      [ANY_CLASS, 8],
    ],
  );
  assert.equal(poolSizes(inventory([H100]), [{ gpuClass: null, gpus: 9 }]).get('h100'), 8);
  assert.equal(poolSizes(inventory([H100, A100]), [{ gpuClass: null, gpus: 1 }]).get(ANY_CLASS), 7);
  assert.equal(poolSizes(inventory([H100], 'local'), held).size, 0);
  const ofMachine = { ...inventory([H100], 'local'), devices: [] };
  assert.equal(poolSizes(ofMachine, held).get('h100'), 4);
});

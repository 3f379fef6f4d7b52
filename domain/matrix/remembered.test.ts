import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gpuClassOf, inventoryOf } from '../contract/testing/gpus.ts';
import { PLAN } from '../run/testing/failures.ts';
import { rememberedPlan } from './remembered.ts';

const inventory = inventoryOf(gpuClassOf('A10', 22), gpuClassOf('A100', 39));
const plan = { ...PLAN, gpuClass: 'A10', gpus: 1 };
const worked = { ...plan, gpuClass: 'A100', microBatch: 1, accumulation: 8, checkpointing: true, excludedNodes: ['n'] };

test('a like cell begins with the plan that worked, but for the nodes that were left out', () => {
  assert.deepEqual(rememberedPlan(plan, worked, inventory), { ...worked, excludedNodes: [] });
  assert.deepEqual(rememberedPlan(plan, undefined, inventory), plan);
});

test('nothing is taken over that changes the batch, the GPUs, or needs a class that is gone', () => {
  assert.equal(rememberedPlan(plan, { ...worked, accumulation: 4 }, inventory), plan);
  assert.equal(rememberedPlan(plan, { ...worked, gpus: 2 }, inventory), plan);
  assert.equal(rememberedPlan(plan, { ...worked, gpuClass: 'V100' }, inventory), plan);
  assert.equal(rememberedPlan(plan, { ...worked, gpuClass: 'V100' }, null).gpuClass, 'V100');
});

test('the larger memory request is kept, and none stays none', () => {
  const asks = { ...plan, memoryBytes: 8 };
  assert.equal(rememberedPlan(asks, { ...worked, memoryBytes: 4 }, inventory).memoryBytes, 8);
  assert.equal(rememberedPlan(asks, { ...worked, memoryBytes: 16 }, inventory).memoryBytes, 16);
  assert.equal(rememberedPlan(plan, { ...worked, memoryBytes: 16 }, inventory).memoryBytes, null);
});

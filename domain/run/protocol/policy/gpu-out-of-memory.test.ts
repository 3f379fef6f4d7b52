import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { failureOf, PLAN } from '../../testing/failures.ts';
import { gpuOutOfMemory, smallerPlan } from './gpu-out-of-memory.ts';

test('the micro-batch is halved and the accumulation doubled', () => {
  const decision = gpuOutOfMemory(failureOf({}));
  assert.deepEqual(decision, { action: 'retry', delayMs: 0, plan: { ...PLAN, microBatch: 2, accumulation: 4 } });
});

test('then activations are recomputed, then a larger GPU is taken, then it does not fit', () => {
  const classes = ['l4', 'a100', 'h100'];
  const one = { ...PLAN, microBatch: 1, accumulation: 8, gpuClass: 'a100' };
  const checkpointed = smallerPlan(one, classes);
  assert.deepEqual(checkpointed, { ...one, checkpointing: true });
  const larger = smallerPlan({ ...one, checkpointing: true }, classes);
  assert.deepEqual(larger, { ...one, checkpointing: true, gpuClass: 'h100' });
  assert.equal(smallerPlan({ ...one, checkpointing: true, gpuClass: 'h100' }, classes), null);
  const anywhere = { ...one, checkpointing: true, gpuClass: null };
  assert.equal(smallerPlan(anywhere, classes)?.gpuClass, 'h100', 'it may have been on any of them');
  assert.equal(smallerPlan(anywhere, ['h100']), null);
  const last = gpuOutOfMemory(
    failureOf({ plan: { microBatch: 1, checkpointing: true }, end: { message: 'out of memory at step 1' } }),
  );
  assert.deepEqual(last, { action: 'fail', message: 'does-not-fit: out of memory at step 1' });
});

test('replanning keeps the effective batch and comes to an end', () => {
  const batch = fc.integer({ min: 1, max: 64 });
  fc.assert(
    fc.property(batch, batch, (microBatch, accumulation) => {
      let steps = 0;
      let plan: ReturnType<typeof smallerPlan> = { ...PLAN, microBatch, accumulation, gpuClass: 'l4' };
      while (plan !== null) {
        assert.equal(plan.microBatch * plan.accumulation, microBatch * accumulation);
        plan = smallerPlan(plan, ['l4', 'a100']);
        steps += 1;
      }
      assert.ok(steps <= 10);
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { choosePlan } from './choose.ts';
import { COMMON_CLASSES } from './classes.ts';
import { DEFAULT_MARGINS, type Margins } from './overhead.ts';
import { shapeOf } from './testing/configs.ts';
import { anySettings, LORA, settingsOf } from './testing/settings.ts';

const shape = shapeOf('llama-3-8b');
const study = settingsOf({ layers: 32, longest: 256, accumulation: 4, method: 'qlora', lora: LORA, precision: 'nf4' });

test('a plan fits its class with the margin, keeps the effective batch, and no smaller class fits', () => {
  fc.assert(
    fc.property(anySettings, (settings) => {
      const choice = choosePlan(shape, settings, COMMON_CLASSES);
      if (!choice.fits) return assert.match(choice.message, /^needs at least/);
      const { plan } = choice;
      assert.ok(plan.estimate.peak.processBytes <= plan.gpuClass.memoryBytes * (1 - DEFAULT_MARGINS.safety));
      assert.equal(plan.microBatch * plan.accumulation * plan.gpus, settings.microBatch * settings.accumulation);
      assert.ok(plan.microBatch <= settings.microBatch);
      assert.ok(plan.checkpointing || !settings.checkpointing);
      const smaller = COMMON_CLASSES.filter(({ memoryBytes }) => memoryBytes < plan.gpuClass.memoryBytes);
      assert.equal(
        choosePlan(shape, settings, smaller, plan.gpus > 1 ? {} : { counts: [1] }).fits && plan.gpus === 1,
        false,
      );
    }),
  );
});

test('whatever the margins, a plan stays below them, and a larger margin never leads to a smaller class', () => {
  const share = fc.double({ min: 0, max: 0.5, noNaN: true });
  fc.assert(
    fc.property(anySettings, share, share, share, (settings, fragmentation, safety, more) => {
      const chosen = (margins: Margins) => {
        const choice = choosePlan(shape, settings, COMMON_CLASSES, { marginsOf: () => margins, counts: [1] });
        return choice.fits ? choice.plan : null;
      };
      const margins = { ...DEFAULT_MARGINS, fragmentation, safety };
      const plan = chosen(margins);
      const careful = chosen({ ...margins, fragmentation: fragmentation + more });
      if (careful === null) return;
      assert.ok(plan !== null && plan.gpuClass.memoryBytes <= careful.gpuClass.memoryBytes);
      assert.ok(plan.estimate.peak.processBytes <= plan.gpuClass.memoryBytes * (1 - safety) + 1);
    }),
  );
});

test('what is asked for stays where it fits; then the micro-batch falls before checkpointing comes', () => {
  const plans = [16, 1].map((microBatch) => {
    const choice = choosePlan(shape, { ...study, microBatch, longest: 512 }, COMMON_CLASSES.slice(2, 3));
    return choice.fits ? choice.plan : null;
  });
  assert.deepEqual(
    plans.map((plan) => [plan?.microBatch, plan?.accumulation, plan?.checkpointing]),
    [
      [2, 32, false],
      [1, 4, false],
    ],
  );
});

test('full training of 8B is divided over several GPUs, as few as possible', () => {
  const common = { layers: 32, longest: 2048, microBatch: 4, accumulation: 4 };
  const full = settingsOf({ ...common, precision: 'fp32', autocast: true });
  const choice = choosePlan(shape, full, COMMON_CLASSES);
  assert.ok(choice.fits);
  assert.equal(choice.plan.gpuClass.name, '80 GB (H100)');
  assert.equal(choice.plan.gpus, 2);
});

test('where nothing fits, the sentence says how much is missing', () => {
  const full = settingsOf({ layers: 32, longest: 2048 });
  const choice = choosePlan(shape, full, COMMON_CLASSES.slice(0, 2));
  assert.ok(!choice.fits);
  assert.match(choice.message, /^needs at least \d+\.\d GiB on one GPU.*16 GB \(V100\), has 15\.0 GiB to use$/);
  assert.equal(choosePlan(shape, full, []).fits, false);
});

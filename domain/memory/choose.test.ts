import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { choosePlan } from './choose.ts';
import { COMMON_CLASSES } from './classes.ts';
import { predictedPeak } from './estimate.ts';
import { KINDS, kindOf } from './overhead.ts';
import { DEFAULT_MARGINS, type Margins, neededBytes } from './spread.ts';
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
      const margin = DEFAULT_MARGINS[kindOf({ ...settings, shards: plan.gpus })];
      assert.ok(neededBytes(predictedPeak(plan.estimate), margin, 0.05) <= plan.gpuClass.memoryBytes);
      assert.ok(plan.probability > 0.949 && plan.probability <= 1);
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

test('the more risk is taken, or the surer the class is known, the smaller is the class', () => {
  const risk = fc.double({ min: 0.01, max: 0.4, noNaN: true });
  const share = fc.double({ min: 0.01, max: 0.3, noNaN: true });
  fc.assert(
    fc.property(anySettings, risk, share, share, (settings, little, scale, more) => {
      const chosen = (taken: number, spread: number) => {
        const margins = Object.fromEntries(KINDS.map((kind) => [kind, { location: 0, scale: spread, freedom: 5 }]));
        const options = { marginsOf: () => margins as Margins, counts: [1], risk: taken };
        const choice = choosePlan(shape, settings, COMMON_CLASSES, options);
        return choice.fits ? choice.plan.gpuClass.memoryBytes : Number.POSITIVE_INFINITY;
      };
      assert.ok(chosen(little + 0.1, scale) <= chosen(little, scale));
      assert.ok(chosen(little, scale) <= chosen(little, scale + more));
    }),
  );
});

test('what is asked for stays where it fits; then the micro-batch falls before checkpointing comes', () => {
  const plans = [16, 1].map((microBatch) => {
    const choice = choosePlan(shape, { ...study, microBatch, longest: 512 }, COMMON_CLASSES.slice(3, 4));
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
  const upToH100 = COMMON_CLASSES.slice(0, 8);
  const choice = choosePlan(shape, full, upToH100);
  assert.ok(choice.fits);
  assert.equal(choice.plan.gpuClass.name, 'H100 (79.1 GiB)');
  assert.equal(choice.plan.gpus, 4);
});

test('where nothing fits, the sentence says how much is missing', () => {
  const full = settingsOf({ layers: 32, longest: 2048 });
  const choice = choosePlan(shape, full, COMMON_CLASSES.slice(0, 3));
  assert.ok(!choice.fits);
  assert.match(choice.message, /^needs at least \d+\.\d GiB on one GPU .* 95 %.*V100 \(15\.7 GiB\), has 15\.7 GiB$/);
  assert.equal(choosePlan(shape, full, []).fits, false);
});

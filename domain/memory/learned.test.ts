import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gpuClassOf } from '../contract/testing/gpus.ts';
import { sampleSettings } from '../contract/testing/settings.ts';
import { PLAN } from '../run/testing/failures.ts';
import { estimateMemory } from './estimate.ts';
import { memorySettings } from './from-settings.ts';
import { learnMargins, type MeasuredTrialOnGpu, plannedSettings, TRAINER_ASSUMPTIONS } from './learned.ts';
import { readShape } from './shape.ts';
import { DEFAULT_MARGINS, residualOf } from './spread.ts';
import { CONFIGS } from './testing/configs.ts';

const reading = readShape(CONFIGS.find(({ name }) => name === 'llama-3-8b')?.config);
assert.ok(reading.ok);
const llama = reading.shape;
const settings = sampleSettings({ layers: { strategy: 'all' }, training: { microBatch: 8, accumulation: 1 } });
const plan = { ...PLAN, gpus: 1, microBatch: 2, accumulation: 4 };
const ran = memorySettings(plannedSettings(settings, plan), llama, TRAINER_ASSUMPTIONS, 'lamina');
const { peak } = estimateMemory(llama, ran);

function measured(more: Partial<MeasuredTrialOnGpu> = {}): MeasuredTrialOnGpu {
  return {
    settings,
    plan,
    device: 'NVIDIA H100 80GB HBM3',
    memory: {
      peakAllocatedBytes: peak.allocatedBytes,
      peakReservedBytes: peak.reservedBytes,
      peakProcessBytes: peak.processBytes * 1.1,
      peakRssBytes: 1,
    },
    ...more,
  };
}

const H100 = gpuClassOf('NVIDIA-H100-80GB-HBM3', 79);

test('margins of a class come from trials on it, with the plan that they ran with', () => {
  const trials = Array.from({ length: 97 }, () => measured());
  const learned = learnMargins([H100, gpuClassOf('A100', 39)], trials, () => llama);
  const own = learned.get(H100.name);
  assert.equal(own?.trials, 97);
  const { location, scale } = own.margins['one-fused'];
  const { uncertain } = estimateMemory(llama, ran);
  const residual = residualOf(1.1, { bytes: 1, uncertain });
  assert.ok(Math.abs(location - residual) < 0.01 && scale < 0.05, `${location} ${scale}`);
  assert.deepEqual(own.margins['one-full'], DEFAULT_MARGINS['one-full']);
  assert.deepEqual(learned.get('A100'), { margins: DEFAULT_MARGINS, trials: 0 });
});

test('trials that tell nothing are left out: several GPUs, no counter, no configuration', () => {
  const silent = { peakAllocatedBytes: null, peakReservedBytes: null, peakProcessBytes: null, peakRssBytes: 1 };
  const trials = [measured({ plan: { ...plan, gpus: 2 } }), measured({ memory: silent })];
  assert.equal(learnMargins([H100], trials, () => llama).get(H100.name)?.trials, 0);
  assert.equal(learnMargins([H100], [measured()], () => null).get(H100.name)?.trials, 0);
});

test('a class is also known by its name, and a MIG instance by that alone', () => {
  const slice = { ...H100, name: 'nvidia.com/mig-3g.40gb', mig: '3g.40gb' };
  const inSlice = measured({ plan: { ...plan, gpuClass: slice.name } });
  assert.equal(learnMargins([slice], [inSlice, measured()], () => llama).get(slice.name)?.trials, 1);
});

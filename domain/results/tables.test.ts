import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareTrials } from './compare.ts';
import { inputOf, type TrialOptions, trialOf } from './testing/trials.ts';

const first = (keep: number) => ({ strategy: 'first', keep }) as const;
const twice = (options: TrialOptions, speeds: readonly [number, number]) =>
  speeds.map((tokensPerSecond, index) => trialOf({ ...options, tokensPerSecond, seed: index + 1 }));

test('quantization costs ratios to bf16 at the same depth, paired by seed', () => {
  const { quantizationCost } = compareTrials(
    inputOf([
      ...twice({ precision: 'bf16', energyJoules: 640 }, [100, 400]),
      ...twice({ precision: 'fp32' }, [1, 1]),
      ...twice({ precision: 'nf4', weightBytes: 125_000_000, rssBytes: 2 ** 30, energyJoules: 1280 }, [50, 100]),
      ...twice({ precision: 'nf4', layers: first(9) }, [9, 9]),
    ]),
  );
  assert.equal(quantizationCost.length, 1, 'the cut nf4 row has no unquantized sibling');
  const [row] = quantizationCost;
  assert.equal(row?.reference, 'bf16');
  assert.equal(row.device, 'Some CPU');
  assert.equal(row.memoryMetric, 'peak-rss');
  // Ratios 1/2 and 1/4: geometric mean √(1/8) = 0.3536.
  const ratios = [row.tokensPerSecond, row.weightBytes, row.peakMemory, row.energyPerToken, row.loadSeconds];
  for (const [index, expected] of [0.353553, 0.25, 0.5, 2, 1].entries()) {
    assert.ok(Math.abs((ratios[index]?.mean ?? 0) - expected) < 1e-6, `${index}: ${ratios[index]?.mean}`);
  }
});

test('energy counts per token that was trained on', () => {
  const { rows } = compareTrials(inputOf([trialOf({ energyJoules: 1280 })]));
  assert.equal(rows[0]?.joulesPerToken.mean, 2, '1280 J over 640 tokens');
});

test('parts of a step and energy above idle are ratios as well; the share of dequantization is a figure of its own', () => {
  const parts = (forward: number, backward: number, optimizer: number) => ({
    forward: [forward, forward * 3],
    backward: [backward, backward],
    optimizer: [optimizer, optimizer],
  });
  const idle = { idleWatts: 50, trainSeconds: 4 };
  const { quantizationCost } = compareTrials(
    inputOf([
      trialOf({ stepParts: parts(1, 2, 1), energyJoules: 840, ...idle }),
      trialOf({
        precision: 'nf4',
        stepParts: parts(2, 3, 0.5),
        energyJoules: 1480,
        ...idle,
        dequantizationShare: 0.25,
      }),
      trialOf({ precision: 'int8', energyJoules: 150, ...idle }),
    ]),
  );
  const [nf4, int8] = quantizationCost.toSorted((a, b) => (a.precision < b.precision ? 1 : -1));
  const ratios = [nf4?.forwardSeconds, nf4?.backwardSeconds, nf4?.optimizerSeconds, nf4?.netEnergyPerToken];
  // Idle: 50 W × 4 s = 200 J; (1480 − 200) / (840 − 200) = 2.
  for (const [index, expected] of [2, 1.5, 0.5, 2].entries()) {
    assert.ok(Math.abs((ratios[index]?.mean ?? 0) - expected) < 1e-9, `${index}: ${ratios[index]?.mean}`);
  }
  assert.equal(nf4?.dequantizationShare.mean, 0.25);
  assert.equal(int8?.forwardSeconds.mean, null);
  assert.equal(int8?.dequantizationShare.mean, null);
  assert.equal(int8?.netEnergyPerToken.mean, null, 'less than idle is no measurement');
});

test('without bf16 the next unquantized precision serves; full training never does', () => {
  const reference = (trials: readonly TrialOptions[]) =>
    compareTrials(inputOf(trials.map(trialOf))).quantizationCost.map((row) => row.reference);
  assert.deepEqual(reference([{ precision: 'fp32' }, { precision: 'fp16' }, { precision: 'int8' }]), ['fp16']);
  assert.deepEqual(reference([{ precision: 'bf16', method: 'full' }, { precision: 'int8' }]), []);
});

test('further parameters must agree, except those of k-bit storage', () => {
  const rate = (value: number) => ({ 'training.learningRate': value });
  const { quantizationCost } = compareTrials(
    inputOf([
      trialOf({ parameters: rate(1) }),
      trialOf({ precision: 'nf4', parameters: { ...rate(1), 'quantization.computeDtype': 'fp32' } }),
      trialOf({ precision: 'nf4', parameters: rate(2) }),
    ]),
  );
  assert.deepEqual(
    quantizationCost.map((row) => row.label),
    ['all layers · nf4 · qlora · 1 · fp32'],
  );
});

test('a ratio across device kinds compares no memory and is marked', () => {
  const { quantizationCost } = compareTrials(
    inputOf([
      trialOf({}),
      trialOf({ precision: 'nf4', reservedBytes: 1, environment: { deviceKind: 'cuda', device: 'A GPU' } }),
    ]),
  );
  assert.equal(quantizationCost[0]?.peakMemory.mean, null);
  assert.equal(quantizationCost[0]?.memoryMetric, null);
  assert.equal(quantizationCost[0]?.mixedEnvironment, true);
});

test('depth is read downwards from the whole model, by precision', () => {
  const trials = [first(6), first(12), { strategy: 'all' } as const].flatMap((layers) =>
    (['bf16', 'nf4'] as const).map((precision) => trialOf({ layers, precision })),
  );
  const { depth } = compareTrials(inputOf([...trials, trialOf({ layers: first(3), state: 'pending' })]));
  assert.deepEqual(
    depth.map((row) => [row.precision, Math.round((row.fractionRemoved ?? -1) * 100)]),
    [
      ['bf16', 0],
      ['bf16', 33],
      ['bf16', 67],
      ['nf4', 0],
      ['nf4', 33],
      ['nf4', 67],
    ],
  );
  assert.equal(depth[0]?.rawLoss.mean, 4);
  assert.equal(depth[0]?.loss.mean, 3);
});

test('total bits are 8 × weight bytes; a line is a precision, its points depths from small to large', () => {
  const { totalBits } = compareTrials(
    inputOf([
      trialOf({ precision: 'bf16', weightBytes: 400 }),
      trialOf({ precision: 'bf16', layers: first(9), weightBytes: 300 }),
      trialOf({ precision: 'nf4', weightBytes: 100 }),
      trialOf({ precision: 'nf4', layers: first(9), loss: null, state: 'diverged' }),
    ]),
  );
  assert.deepEqual(
    totalBits.map(({ label, points }) => [label, points.map((point) => point.totalBits)]),
    [
      ['bf16 · lora', [2400, 3200]],
      ['nf4 · qlora', [800]],
    ],
  );
});

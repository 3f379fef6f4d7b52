import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferenceResult, InferenceSamples } from '../contract/result.ts';
import { compareTrials } from './compare.ts';
import { decodeSpeed, prefillSpeed } from './inference-rows.ts';
import { toMarkdown } from './render-markdown.ts';
import { percentile } from './statistics.ts';
import { inputOf, trialOf } from './testing/trials.ts';

const measured = (batchSize: number, prefillSeconds: number[], decodeSeconds: number[]): InferenceSamples => ({
  batchSize,
  prefillSeconds,
  decodeSeconds,
  peakMemoryBytes: 2 ** 30,
});
const result = (trained: InferenceSamples[], merged: InferenceSamples[] | null): InferenceResult => ({
  promptTokens: 100,
  newTokens: 20,
  trained,
  merged,
});

test('percentiles interpolate between order statistics (NumPy, method linear)', () => {
  assert.equal(percentile([], 0.5), null);
  assert.equal(percentile([7], 0.95), 7);
  assert.equal(percentile([4, 1, 3, 2], 0.5), 2.5);
  assert.ok(Math.abs((percentile([10, 20, 30, 40, 50], 0.95) ?? 0) - 48) < 1e-12);
});

test('speeds are tokens of the whole batch over the median time', () => {
  const samples = measured(4, [0.5, 0.2, 9], [1, 2, 50]);
  assert.equal(prefillSpeed(result([], null), samples), 800);
  assert.equal(decodeSpeed(result([], null), samples), 40);
});

test('merged stands against apart by batch size, paired by seed', () => {
  const trials = [
    result([measured(1, [0.1], [1]), measured(8, [0.8], [2])], [measured(1, [0.05], [0.5]), measured(8, [0.8], [2])]),
    result([measured(1, [0.1], [2]), measured(8, [0.8], [2])], [measured(1, [0.05], [0.25]), measured(8, [0.8], [2])]),
  ].map((inference, index) => trialOf({ inference, seed: index + 1 }));
  const comparison = compareTrials(inputOf([...trials, trialOf({ precision: 'nf4' })]));
  const [small, large, ...others] = comparison.inference;
  assert.deepEqual(others, [], 'a cell without measurements has no row');
  assert.equal(small?.batchSize, 1);
  assert.equal(small.firstTokenSeconds.n, 2);
  // 20 tokens in 1 s and 2 s; merged ratios 2 and 8, geometric mean 4.
  assert.deepEqual(small.decodeTokensPerSecond.samples, [20, 10]);
  assert.deepEqual(small.mergedDecodeTokensPerSecond.samples, [40, 80]);
  assert.ok(Math.abs((small.mergedSpeedup.mean ?? 0) - 4) < 1e-12);
  assert.ok(Math.abs((small.mergedFirstTokenRatio.mean ?? 0) - 0.5) < 1e-12);
  assert.equal(large?.mergedSpeedup.mean, 1);
  assert.equal(large.prefillTokensPerSecond.mean, 1000);
  assert.match(toMarkdown(comparison), /## Inference[\s\S]*decode, merged over apart/);
});

test('without a merged model there is nothing to compare, and without measurements no table', () => {
  const { inference } = compareTrials(inputOf([trialOf({ inference: result([measured(1, [1], [1])], null) })]));
  assert.equal(inference[0]?.mergedSpeedup.mean, null);
  assert.equal(inference[0]?.mergedDecodeTokensPerSecond.mean, null);
  const without = compareTrials(inputOf([trialOf({})]));
  assert.deepEqual(without.inference, []);
  assert.doesNotMatch(toMarkdown(without), /## Inference/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ComparisonInput, compareTrials } from './compare.ts';
import type { ComparedTrial } from './input.ts';
import { inputOf, type TrialOptions, trialOf } from './testing/trials.ts';

const GIB = 2 ** 30;
const seeds = (options: TrialOptions, losses: readonly (number | null)[]): ComparedTrial[] =>
  losses.map((loss, index) => trialOf({ ...options, loss, seed: index + 1 }));
const recommendation = (trials: readonly ComparedTrial[], more: Partial<ComparisonInput> = {}) =>
  compareTrials(inputOf(trials, more)).recommendation;
const BEST = seeds({ precision: 'bf16', rssBytes: 3 * GIB }, [2, 2.1, 2.2, 2.3, 2.4]);
const NEAR = seeds({ precision: 'int8', rssBytes: 2 * GIB, weightBytes: 250_000_000 }, [2.1, 2, 2.3, 2.2, 2.5]);
const FAR = seeds({ precision: 'nf4', rssBytes: 1 * GIB }, [5, 5.11, 5.2, 5.31, 5.4]);

test('names the best cell with its numbers and what cannot be told apart from it', () => {
  const { cellId, sentence, indistinguishable } = recommendation([...BEST, ...NEAR, ...FAR]);
  assert.equal(cellId, BEST[0]?.trial.cell.id);
  assert.deepEqual(indistinguishable, [NEAR[0]?.trial.cell.id]);
  assert.equal(
    sentence,
    'Best held-out loss: all layers · bf16 · lora, 2.200 (perplexity 9.03), 3.00 GiB peak process memory (RSS), ' +
      '100 tokens/s. Over 5 seeds it cannot be told apart from 1 other cell: all layers · int8 · qlora. ' +
      "Of these all layers · int8 · qlora has the smallest weights (50.0 % of the best cell's).",
  );
});

test('a clear winner says how it was found to be one', () => {
  const { sentence, indistinguishable } = recommendation([...BEST, ...FAR]);
  assert.deepEqual(indistinguishable, []);
  assert.match(sentence, /beats every other cell by more than seeds vary \(paired over 5 seeds, p < 0\.05 each\)\.$/);
});

test('far worse cells are told apart however many they are', () => {
  const precisions = ['int8', 'nf4', 'nf4-dq', 'fp4', 'fp4-dq'] as const;
  const worse = precisions.flatMap((precision) => seeds({ precision }, [5, 5.11]));
  assert.deepEqual(recommendation([...BEST.slice(0, 2), ...worse]).indistinguishable, []);
});

test('a lead below the standard error of the held-out text is said to be one', () => {
  const behind = seeds({ precision: 'nf4' }, [2.011, 2.11, 2.211, 2.31, 2.411]);
  assert.match(
    recommendation([...BEST, ...behind]).sentence,
    /Its lead over the next cell \(0\.011 in loss\) is below the held-out text's standard error \(0\.050\)\.$/,
  );
});

test('few seeds are said to show only large differences; one seed shows nothing', () => {
  const two = recommendation([...BEST.slice(0, 2), ...NEAR.slice(0, 2)]);
  assert.match(two.sentence, /With 2 seeds only large differences can show\./);
  const one = recommendation([...BEST.slice(0, 1), ...FAR.slice(0, 1)]);
  assert.match(one.sentence, /One seed says nothing about chance/);
  assert.equal(one.indistinguishable.length, 1);
});

test('a memory limit counts the highest measured peak, and says so where nothing fits', () => {
  const limited = recommendation([...BEST, ...NEAR, ...FAR], { limits: { maxMemoryBytes: 2.5 * GIB } });
  assert.equal(limited.cellId, NEAR[0]?.trial.cell.id);
  assert.match(limited.sentence, /^Best held-out loss within 2\.50 GiB: all layers · int8/);
  const nothing = recommendation([...BEST, ...NEAR], { limits: { maxMemoryBytes: GIB } });
  assert.equal(nothing.cellId, null);
  assert.equal(
    nothing.sentence,
    'No measured cell keeps the limit of 1.00 GiB. The lightest, all layers · int8 · qlora, needs 2.00 GiB.',
  );
});

test('a cost limit needs a price', () => {
  const limits = { maxCost: 0.02 };
  assert.equal(recommendation(BEST, { limits }).cellId, null);
  assert.equal(recommendation(BEST, { limits, pricePerHour: 1 }).cellId, BEST[0]?.trial.cell.id);
  assert.equal(recommendation(BEST, { limits, pricePerHour: 2 }).cellId, null);
});

test('a cell with a diverged or missing trial is never the best', () => {
  const broken = seeds({ precision: 'nf4' }, [0.1, null]);
  assert.equal(recommendation([...broken, ...BEST]).cellId, BEST[0]?.trial.cell.id);
  const running = [trialOf({ seed: 1, loss: 1 }), trialOf({ seed: 2, state: 'running' })];
  const { cellId, sentence } = recommendation(running, { state: 'running' });
  assert.equal(cellId, null);
  assert.equal(sentence, 'No cell is complete yet: 1 of 2 trials measured.');
});

test('while cells are still to come the sentence says "so far"', () => {
  const trials = [...BEST, trialOf({ precision: 'nf4', state: 'pending' })];
  assert.match(recommendation(trials, { state: 'running' }).sentence, /^So far, best held-out loss: /);
});

test('accuracy as the objective ranks upwards', () => {
  const { sentence, objective } = recommendation([...BEST, ...FAR], { objective: 'accuracy' });
  assert.equal(objective, 'accuracy');
  assert.match(sentence, /^Best token accuracy: .*40\.0 %/);
  assert.match(
    recommendation(BEST, { objective: 'perplexity' }).sentence,
    /^Best perplexity: all layers · bf16 · lora, 9\.03 \(loss 2\.200\)/,
  );
});

test('an experiment without a trial has no best cell', () => {
  assert.equal(recommendation([]).sentence, 'No best cell: there is no cell whose trials all succeeded.');
});

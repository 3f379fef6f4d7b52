import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { depthLabel, keptLayers } from '../contract/layer-strategies.ts';
import type { LayerChoice } from '../contract/settings.ts';
import { depthProblem, plainest } from './layers.ts';

const choices: fc.Arbitrary<LayerChoice> = fc.oneof(
  fc.constant({ strategy: 'all' } as const),
  fc.integer({ min: 1, max: 30 }).map((drop) => ({ strategy: 'drop-last', drop }) as const),
  fc.record({ strategy: fc.constantFrom('first', 'even', 'angular'), keep: fc.integer({ min: 1, max: 30 }) }),
  fc
    .uniqueArray(fc.nat(29), { minLength: 1, maxLength: 6 })
    .map((indices) => ({ strategy: 'list', indices: indices.toSorted((a, b) => a - b) }) as const),
);

test('the plainest form keeps as many layers, and is its own plainest form', () => {
  fc.assert(
    fc.property(choices, fc.integer({ min: 1, max: 30 }), (choice, total) => {
      fc.pre(depthProblem(choice, total) === null);
      const plain = plainest(choice, total);
      assert.equal(keptLayers(plain, total), keptLayers(choice, total));
      assert.deepEqual(plainest(plain, total), plain);
      assert.equal(plain.strategy === 'all', keptLayers(choice, total) === total);
      assert.ok(plain.strategy !== 'drop-last');
    }),
  );
});

test('a choice that the model is too shallow for is a problem, and only that', () => {
  fc.assert(
    fc.property(choices, fc.integer({ min: 1, max: 30 }), (choice, total) => {
      const kept = keptLayers(choice, total) ?? 0;
      const highest = choice.strategy === 'list' ? Math.max(...choice.indices) + 1 : kept;
      assert.equal(depthProblem(choice, total) !== null, kept < 1 || highest > total);
    }),
  );
});

test('labels read as people say it', () => {
  const labelled: readonly [LayerChoice, string][] = [
    [{ strategy: 'all' }, 'all layers'],
    [{ strategy: 'first', keep: 1 }, '1 layer'],
    [{ strategy: 'first', keep: 12 }, '12 layers'],
    [{ strategy: 'even', keep: 12 }, '12 layers (even)'],
    [{ strategy: 'drop-last', drop: 6 }, 'all but the last 6 layers'],
    [{ strategy: 'list', indices: [0, 1, 2, 5, 8, 9] }, 'layers 0–2, 5, 8–9'],
    [{ strategy: 'list', indices: [4] }, 'layer 4'],
  ];
  for (const [choice, label] of labelled) assert.equal(depthLabel(choice), label);
});

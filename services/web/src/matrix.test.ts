import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptLayers } from '@lamina/domain/contract/layer-strategies.ts';
import { type Coordinates, layersLabel, layoutMatrix, modelName, ranges } from './matrix.ts';

const point = (changes: Partial<Coordinates> = {}): Coordinates => ({
  model: 'gemma',
  layers: { strategy: 'first', keep: 6 },
  depth: 6,
  precision: 'bf16',
  method: 'lora',
  parameters: {},
  ...changes,
});
const identity = (item: Coordinates) => item;

test('rows go from deep to shallow, columns in the order of precisions, holes are null', () => {
  const all = point({ layers: { strategy: 'all' }, depth: null });
  const six = point();
  const quantized = point({ precision: 'nf4', method: 'qlora' });
  const [panel, ...others] = layoutMatrix([quantized, six, all], identity);
  assert.deepEqual(others, []);
  assert.equal(panel?.title, null);
  assert.deepEqual(
    panel?.columns.map((column) => column.key),
    ['bf16 lora', 'nf4 qlora'],
  );
  assert.deepEqual(
    panel?.rows.map((row) => [row.label, row.items]),
    [
      ['all', [all, null]],
      ['6', [six, quantized]],
    ],
  );
});

test('only axes that vary make panels, and the panel says which value it shows', () => {
  const panels = layoutMatrix(
    [1e-4, 2e-4].flatMap((learningRate) => [
      point({ parameters: { 'training.learningRate': learningRate, 'lora.r': 8 } }),
    ]),
    identity,
  );
  assert.deepEqual(
    panels.map((panel) => panel.title),
    ['learningRate 0.0001', 'learningRate 0.0002'],
  );
});

test('two models make two panels even with equal layers and precision', () => {
  const panels = layoutMatrix([point(), point({ model: 'llama' })], identity);
  assert.deepEqual(
    panels.map((panel) => [panel.title, panel.rows.length]),
    [
      ['gemma', 1],
      ['llama', 1],
    ],
  );
});

test('the same count of layers chosen in two ways stays two rows that say how', () => {
  const [panel] = layoutMatrix([point(), point({ layers: { strategy: 'even', keep: 6 } })], identity);
  assert.deepEqual(
    panel?.rows.map((row) => [row.label, row.detail]),
    [
      ['6', 'even'],
      ['6', 'first'],
    ],
  );
});

test('layer choices in words', () => {
  assert.deepEqual(layersLabel({ strategy: 'all' }, 18), { label: '18', detail: 'all' });
  assert.deepEqual(layersLabel({ strategy: 'drop-last', drop: 4 }, null), { label: '−4', detail: 'last dropped' });
  assert.deepEqual(layersLabel({ strategy: 'list', indices: [0, 2, 5] }, 3), { label: '3', detail: 'layers 0, 2, 5' });
  assert.equal(keptLayers({ strategy: 'drop-last', drop: 4 }, null), null);
});

test('a model is named by its id or its last path segment', () => {
  assert.equal(modelName({ source: 'hf', id: 'google/gemma-3-270m', revision: 'main' }), 'google/gemma-3-270m');
  assert.equal(modelName({ source: 'gguf', path: '/models/gemma.gguf', fingerprint: null }), 'gemma.gguf');
  assert.equal(modelName({ source: 'path', path: '/models/gemma/', fingerprint: null }), 'gemma');
});

test('runs of layers are written as ranges', () => {
  assert.equal(ranges([0, 1, 2, 5, 7, 8]), '0–2, 5, 7–8');
  assert.equal(ranges([]), '');
});

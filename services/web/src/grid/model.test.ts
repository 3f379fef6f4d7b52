import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CellView, TrialView } from '@lamina/domain/contract/api.ts';
import { withProgress } from '../api/progress.ts';
import { cellStatus, gridPanels, progressText, trialText } from './model.ts';

const trial = (changes: Partial<TrialView> = {}): TrialView => ({
  id: 't1',
  experimentId: 'e1',
  cellId: 'c1',
  label: '6 layers · bf16',
  seed: 1,
  state: 'pending',
  attempts: 0,
  message: null,
  reusedFrom: null,
  phase: null,
  step: null,
  steps: null,
  waiting: null,
  raw: null,
  trained: null,
  tokensPerSecond: null,
  startedAt: null,
  endedAt: null,
  ...changes,
});
const trained = (loss: number): NonNullable<TrialView['trained']> => ({
  loss,
  lossStandardError: null,
  perplexity: Math.exp(loss),
  perplexityStandardError: null,
  accuracy: 0.3,
  tokens: 10,
  sequences: 1,
  seconds: 1,
  cached: false,
});

test('a cell shows its most advanced running seed first', () => {
  const status = cellStatus([
    trial({ state: 'running', phase: 'loading' }),
    trial({ state: 'running', phase: 'training', step: 10, steps: 40 }),
    trial({ state: 'succeeded', trained: trained(3) }),
  ]);
  assert.deepEqual(status, { kind: 'running', text: 'training 10/40', share: 0.25, others: 1 });
});

test('a cell at rest shows the mean loss of what was measured, else how it ended, else that it waits', () => {
  assert.deepEqual(cellStatus([trial({ trained: trained(3) }), trial({ trained: trained(4) }), trial()]), {
    kind: 'measured',
    loss: 3.5,
    seeds: 2,
    planned: 3,
  });
  assert.deepEqual(cellStatus([trial({ state: 'cancelled' }), trial({ state: 'failed' })]), {
    kind: 'ended',
    text: 'failed',
  });
  assert.deepEqual(cellStatus([trial()]), { kind: 'waiting' });
  assert.deepEqual(cellStatus([]), { kind: 'waiting' });
});

test('seeds are sorted within their cell, and a cell without trials is still shown', () => {
  const cell = (id: string, keep: number): CellView => ({
    id,
    label: id,
    model: { source: 'hf', id: 'm', revision: 'main' },
    layers: { strategy: 'first', keep },
    precision: 'bf16',
    method: 'lora',
    parameters: {},
  });
  const [panel] = gridPanels([cell('c1', 6), cell('c2', 9)], [trial({ seed: 2 }), trial({ seed: 1 })]);
  assert.deepEqual(
    panel?.rows.map((row) => row.items.map((item) => [item?.id, item?.trials.map((one) => one.seed)])),
    [[['c2', []]], [['c1', [1, 2]]]],
  );
});

test('squares speak: state, progress, loss, attempts and message', () => {
  const at = { phase: null, step: null, steps: null, waiting: null };
  assert.equal(progressText({ ...at, phase: 'evaluating-raw' }), 'evaluating raw');
  assert.equal(progressText({ ...at, waiting: { kind: 'queued', text: 'third in line' } }), 'waits: third in line');
  assert.equal(
    trialText(trial({ state: 'failed', attempts: 3, message: 'no such column' })),
    'seed 1: failed, 3 attempts, no such column',
  );
  assert.equal(
    trialText(trial({ state: 'succeeded', trained: trained(3), message: 'x' })),
    'seed 1: succeeded, loss 3.000',
  );
});

test('progress moves a running trial only, and an unchanged list stays the same object', () => {
  const ended = { items: [trial({ state: 'succeeded' })], isCut: false };
  const step = { trialId: 't1', phase: 'training', step: 3, steps: 9 };
  assert.equal(withProgress(ended, step), ended);
  const running = { items: [trial({ state: 'running' }), trial({ id: 't2', state: 'running' })], isCut: false };
  const moved = withProgress(running, step);
  assert.equal(moved.items[0]?.step, 3);
  assert.equal(moved.items[1], running.items[1]);
  assert.equal(withProgress(moved, step), moved);
  assert.equal(withProgress(moved, { ...step, step: null }).items[0]?.step, 3);
});

test('what a search suggests for a cell is drawn within it, and is no further seed of it', () => {
  const cell = (id: string, parameters: CellView['parameters']): CellView => ({
    id,
    label: id,
    model: { source: 'hf', id: 'owner/model', revision: 'main' },
    layers: { strategy: 'all' },
    precision: 'bf16',
    method: 'lora',
    parameters,
  });
  const cells = [
    cell('c1', { 'training.weightDecay': 0 }),
    cell('c2', { 'training.weightDecay': 0.1 }),
    cell('s1', { 'training.weightDecay': 0, 'training.learningRate': 1e-4 }),
    cell('s2', { 'training.weightDecay': 0, 'training.learningRate': 2e-4 }),
  ];
  const trials = [
    trial({ id: 'a', cellId: 'c1', state: 'succeeded', trained: trained(3) }),
    trial({ id: 'b', cellId: 's1', state: 'succeeded', trained: trained(1) }),
    trial({ id: 'c', cellId: 's2', state: 'pruned' }),
  ];
  const [first, ...others] = gridPanels(cells, trials, ['training.learningRate']);
  const [drawn] = first?.rows[0]?.items ?? [];
  assert.equal(others.length, 1);
  assert.deepEqual(
    drawn?.trials.map(({ id }) => id),
    ['a', 'b', 'c'],
  );
  assert.deepEqual(drawn?.status, { kind: 'measured', loss: 3, seeds: 1, planned: 1 });
  assert.equal(gridPanels(cells, trials).length, 4);
});

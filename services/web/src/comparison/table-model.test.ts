import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareTrials } from '@lamina/domain/results/compare.ts';
import { MATRIX } from '@lamina/domain/results/tables/matrix.ts';
import { inputOf, trialOf } from '@lamina/domain/results/testing/trials.ts';
import { cellParts, columnScale, measuredColumns, sortValue } from './table-model.ts';

const { rows } = compareTrials(
  inputOf([
    trialOf({ seed: 1, loss: 3 }),
    trialOf({ seed: 2, loss: 3.2 }),
    trialOf({ seed: 1, loss: 2.5, precision: 'nf4' }),
    trialOf({ seed: 1, state: 'failed', precision: 'int8' }),
  ]),
);
const TRAINING_COLUMNS = MATRIX.dashboard ?? [];
const column = (id: string) => TRAINING_COLUMNS.find((one) => one.id === id)!;
const row = (precision: string) => rows.find((one) => one.precision === precision)!;

test('columns that no row measured are left out and named', () => {
  const { shown, unmeasured } = measuredColumns(TRAINING_COLUMNS, rows);
  assert.ok(shown.some((one) => one.id === 'loss'));
  assert.ok(!shown.some((one) => one.id === 'joulesPerToken'));
  assert.ok(unmeasured.includes('energy'));
  assert.ok(!unmeasured.includes(column('estimatedBytes').title), 'an estimate is not measured');
});

test('estimates stand next to peaks measured on a GPU, with their error', () => {
  const gpu = { deviceKind: 'cuda', device: 'GPU' } as const;
  const trial = trialOf({ reservedBytes: 8 * 2 ** 30, environment: gpu });
  const estimatedBytes = new Map([[trial.trial.cell.id, 9 * 2 ** 30]]);
  const [measured] = compareTrials(inputOf([trial], { estimatedBytes })).rows;
  assert.ok(measured);
  assert.deepEqual(cellParts(column('estimatedBytes'), measured), ['9.00', null]);
  assert.deepEqual(cellParts(column('estimateError'), measured), ['+12.5', null]);
});

test('a figure and its interval come apart; without seeds enough there is no interval; nothing is a dash', () => {
  const [mean, half] = cellParts(column('loss'), row('bf16'));
  assert.equal(mean, '3.100');
  assert.match(half ?? '', /^± \d\.\d{3}$/);
  assert.match(cellParts(column('perplexity'), row('bf16'))[1] ?? '', /^\[.+, .+\]$/);
  assert.deepEqual(cellParts(column('loss'), row('nf4')), ['2.500', null]);
  assert.deepEqual(cellParts(column('loss'), row('int8')), ['–', null]);
});

test('measurements are tinted, labels and differences are not', () => {
  assert.equal(columnScale(column('loss'), rows)?.intensity(2.5), 1);
  assert.equal(columnScale(column('lossDelta'), rows), null);
  assert.equal(columnScale(column('label'), rows), null);
});

test('labels sort by the order that rows came in, figures by their mean', () => {
  assert.deepEqual(rows.map(sortValue(column('label'), rows)), [0, 1, 2]);
  assert.equal(sortValue(column('loss'), rows)(row('bf16')), 3.1);
  assert.equal(sortValue(column('loss'), rows)(row('int8')), null);
});

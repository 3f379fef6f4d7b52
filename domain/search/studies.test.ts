import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studySpec } from '../contract/search.ts';
import type { ExpansionContext } from '../matrix/context.ts';
import { expandMatrix } from '../matrix/expand.ts';
import { base } from '../spec/arbitrary.ts';
import { parseDocument } from '../spec/parse.ts';
import { baseCellOf, studiesOf } from './studies.ts';
import { suggestedPlan, suggestedTrial } from './suggested.ts';
import { CELL_PARAMETER } from './types.ts';

const context: ExpansionContext = { trainerRevision: 'r1', device: null, layersOf: () => 18, gpus: null };
const RATE = { 'training.learningRate': { low: 1e-5, high: 1e-3, log: true } };
const RANK = { 'lora.r': { choices: [4, 8] } };

function read(fields: object) {
  const parsed = parseDocument({ ...base, ...fields });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return { document: parsed.document, expansion: expandMatrix(parsed.document, context) };
}

function studies(matrix: object, search: object, further: object = {}) {
  const { document, expansion } = read({ matrix, search, ...further });
  return { expansion, studies: studiesOf(document, expansion, 'exp-1') };
}

test('each cell has a study of its own', () => {
  const { expansion, studies: found } = studies(
    { layers: ['all', 12], seed: [5, 6] },
    { parameters: { ...RATE, ...RANK }, trials: 7, parallel: 3, seed: 9, pruner: { every: 5, warmupSteps: 10 } },
    { objective: { metric: 'accuracy' }, training: { steps: 40 } },
  );
  assert.deepEqual(
    found.map(({ key, label, cellIds }) => [key, label, cellIds]),
    expansion.cells.map(({ id, label }) => [id, label, [id]]),
  );
  const [first] = found;
  assert.deepEqual(first?.spec, {
    name: `exp-1/${expansion.cells[0]?.id}`,
    sampler: 'tpe',
    seed: 9,
    directions: ['maximize'],
    parameters: {
      'training.learningRate': { kind: 'float', low: 1e-5, high: 1e-3, log: true, step: null },
      'lora.r': { kind: 'categorical', choices: [4, 8] },
    },
    pruner: { kind: 'median', every: 5, warmupSteps: 10, startupTrials: 4, reductionFactor: 3, maxSteps: 40 },
  });
  assert.deepEqual([first?.trials, first?.parallel, first?.objectives], [7, 3, ['accuracy']]);
  for (const { spec } of found) assert.deepEqual(studySpec.parse(spec), spec);
});

test('a document without a search has no studies', () => {
  const { document, expansion } = read({});
  assert.deepEqual(studiesOf(document, expansion, 'exp-1'), []);
});

test('settings that a cell does not have are not searched in it', () => {
  const matrix = { method: ['full', 'lora'] };
  const both = studies(matrix, { parameters: { ...RATE, ...RANK } }).studies;
  assert.deepEqual(
    both.map(({ spec }) => Object.keys(spec.parameters)),
    [['training.learningRate'], ['training.learningRate', 'lora.r']],
  );
  const ranks = studies(matrix, { parameters: RANK });
  assert.deepEqual(
    ranks.studies.map(({ key }) => key),
    ranks.expansion.cells.filter(({ method }) => method === 'lora').map(({ id }) => id),
  );
});

test('a grid has no more trials than points', () => {
  const parameters = { 'lora.r': { low: 4, high: 16, step: 4 }, 'training.packing': { choices: [true, false] } };
  const trialsOf = (sampler: string, trials: number) => studies({}, { parameters, sampler, trials }).studies[0]?.trials;
  assert.deepEqual([trialsOf('grid', 20), trialsOf('grid', 5), trialsOf('random', 20)], [8, 5, 20]);
});

test('the longest training that a search may choose bounds the pruner', () => {
  const parameters = { 'training.steps': { low: 50, high: 200, step: 50 } };
  const [study] = studies({}, { parameters, pruner: { kind: 'hyperband' } }).studies;
  assert.equal(study?.spec.pruner?.maxSteps, 200);
});

test('one study over the matrix also chooses the cell', () => {
  const { expansion, studies: found } = studies(
    { layers: ['all', 12], method: ['full', 'lora'] },
    { parameters: RANK, per: 'matrix' },
  );
  const [study, ...others] = found;
  assert.ok(study !== undefined && others.length === 0);
  const ids = expansion.cells.map(({ id }) => id);
  assert.deepEqual(study.spec.parameters[CELL_PARAMETER], { kind: 'categorical', choices: ids });
  assert.equal(baseCellOf(study, { [CELL_PARAMETER]: ids[2] ?? '', 'lora.r': 4 }), ids[2]);
  assert.throws(() => baseCellOf(study, { [CELL_PARAMETER]: 'other' }), /does not have/);
  const more = studies({ layers: ['all', 12, 6], method: ['full', 'lora'] }, { parameters: RANK, per: 'matrix' });
  assert.notEqual(more.studies[0]?.key, study.key);
});

test('a suggestion is the trial that the matrix would have for the same values', () => {
  const { expansion } = read({ matrix: { layers: ['all', 12], seed: [5, 6] } });
  const listed = read({
    matrix: {
      layers: ['all', 12],
      seed: [5, 6],
      'training.learningRate': [1e-4, 2e-4],
      'lora.r': [4, 16],
      'quantization.computeDtype': ['auto', 'fp32'],
    },
  }).expansion;
  const bases = expansion.trials.filter(({ settings }) => settings.seed === 5);
  const wanted = listed.trials.filter(({ settings }) => settings.seed === 5);
  const suggested = bases.flatMap((from) =>
    [1e-4, 2e-4].flatMap((rate) =>
      [4, 16].flatMap((r) =>
        ['auto', 'fp32'].map((dtype) =>
          suggestedTrial(
            from,
            { 'training.learningRate': rate, 'lora.r': r, 'quantization.computeDtype': dtype },
            context.trainerRevision,
          ),
        ),
      ),
    ),
  );
  assert.equal(suggested.length, 16);
  const ids = (trials: typeof suggested) => trials.map(({ id, cell }) => `${id} ${cell.id}`).toSorted();
  assert.deepEqual(ids(suggested), ids([...wanted]));
  // The defaults are what the plain cells have.
  const plain = expansion.trials.map(({ id }) => id);
  assert.equal(suggested.filter(({ id }) => plain.includes(id)).length, 2);
});

test('a suggestion is named by its values, and keeps those of its cell', () => {
  const { expansion } = read({ matrix: { layers: ['all', 12], 'training.weightDecay': [0, 0.1] } });
  const [from] = expansion.trials;
  assert.ok(from !== undefined);
  const { cell } = suggestedTrial(from, { 'training.learningRate': 0.000_123_456, 'lora.r': 8 }, 'r1');
  assert.equal(cell.label, `${from.cell.label} · learningRate 0.000123 · r 8`);
  assert.deepEqual(cell.parameters, { 'training.weightDecay': 0, 'training.learningRate': 0.000_123_456, 'lora.r': 8 });
});

test('adapter settings mean nothing where there are no adapters', () => {
  const { expansion } = read({ matrix: { method: ['full', 'lora'] } });
  const full = expansion.trials.find(({ settings }) => settings.method === 'full');
  assert.ok(full !== undefined);
  assert.deepEqual(suggestedTrial(full, { [CELL_PARAMETER]: full.cell.id, 'lora.r': 4 }, 'r1'), full);
});

test('the batches of a suggestion are those of its plan', () => {
  const { expansion } = read({});
  const [from] = expansion.trials;
  assert.ok(from !== undefined);
  const { settings } = suggestedTrial(from, { 'training.microBatch': 4, 'training.accumulation': 2 }, 'r1');
  const plan = expansion.plans[from.cell.id];
  assert.ok(plan !== undefined);
  assert.deepEqual(suggestedPlan(plan, settings), { ...plan, microBatch: 4, accumulation: 2 });
});

test('a suggestion is trained and scored, and nothing else is made of it', () => {
  const extras = { inference: {}, gguf: { types: ['f16'] } };
  const { expansion } = read({ evaluation: extras, artifacts: { adapter: true, merged: true } });
  const [from] = expansion.trials;
  assert.ok(from?.settings.evaluation.gguf && from.settings.artifacts.merged);
  const { settings } = suggestedTrial(from, { 'training.learningRate': 1e-3 }, 'r1');
  assert.deepEqual(settings.artifacts, { adapter: false, merged: false });
  assert.deepEqual(
    [settings.evaluation.inference, settings.evaluation.gguf, settings.evaluation.tasks],
    [null, null, null],
  );
  assert.equal(settings.evaluation.maxTokens, from.settings.evaluation.maxTokens);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base } from './arbitrary.ts';
import { type Issue, parseDocument } from './parse.ts';
import { countValues, numberKind, rangeOf } from './search.ts';

const rate = { low: 1e-5, high: 1e-3, log: true };

function parsed(search: object, fields: object = {}) {
  return parseDocument({ ...base, ...fields, search: { parameters: { 'training.learningRate': rate }, ...search } });
}

function issuesOf(search: object, fields: object = {}): readonly Issue[] {
  const read = parsed(search, fields);
  return read.ok ? [] : read.issues;
}

function warningsOf(search: object, fields: object = {}): readonly Issue[] {
  const read = parsed(search, fields);
  assert.ok(read.ok, JSON.stringify(read));
  return read.warnings.filter(({ path }) => path.startsWith('search'));
}

test('a search has defaults, and looks for what the document looks for', () => {
  const read = parsed({}, { objective: { metric: 'accuracy' } });
  assert.ok(read.ok);
  assert.deepEqual(read.document.search, {
    parameters: { 'training.learningRate': { low: 1e-5, high: 1e-3, log: true, step: null } },
    per: 'cell',
    trials: 20,
    parallel: 2,
    sampler: 'tpe',
    seed: 0,
    objectives: ['accuracy'],
    pruner: null,
  });
  const again = parseDocument(read.document);
  assert.ok(again.ok);
  assert.deepEqual(again.document, read.document);
});

test('a document without a search has none', () => {
  const read = parseDocument(base);
  assert.ok(read.ok && read.document.search === null);
});

const withRate = (further: object) => ({ parameters: { 'training.learningRate': { ...rate, ...further } } });
const rank = (searched: object) => ({ parameters: { 'lora.r': searched } });
const median = { pruner: { kind: 'median' } };

/** The section's fields besides a correct parameter, other fields of the document, the path, and words of message and fix. */
const MISTAKES: readonly [name: string, search: object, fields: object, path: string, words: RegExp][] = [
  ['no parameters', { parameters: {} }, {}, 'search.parameters', /names no setting/],
  [
    'a slip in a path',
    { parameters: { 'training.learnigRate': rate } },
    {},
    'search.parameters.training.learnigRate',
    /did you mean 'training\.learningRate'/,
  ],
  [
    'a last word only',
    { parameters: { learningRate: rate } },
    {},
    'search.parameters.learningRate',
    /did you mean 'training\.learningRate'/,
  ],
  [
    'nothing like a setting',
    { parameters: { zzzzzz: rate } },
    {},
    'search.parameters.zzzzzz',
    /not a setting.*path of one/,
  ],
  [
    'an axis of cells',
    { parameters: { layers: { choices: [3, 6] } } },
    {},
    'search.parameters.layers',
    /axis of the matrix.*per: matrix/,
  ],
  ['the seed', { parameters: { seed: { low: 0, high: 9 } } }, {}, 'search.parameters.seed', /matrix\.seed/],
  [
    'how trials are scored',
    { parameters: { 'evaluation.maxTokens': { low: 1000, high: 2000 } } },
    {},
    'search.parameters.evaluation.maxTokens',
    /scored/,
  ],
  [
    'double quantization',
    { parameters: { 'quantization.doubleQuant': { choices: [true, false] } } },
    {},
    'search.parameters.quantization.doubleQuant',
    /part of the precision/,
  ],
  [
    'an axis that is searched too',
    {},
    { matrix: { 'training.learningRate': [1e-4] } },
    'search.parameters.training.learningRate',
    /listed in the matrix/,
  ],
  [
    'an included axis that is searched too',
    {},
    { matrix: { include: [{ layers: 3, 'training.learningRate': 1e-4 }] } },
    'search.parameters.training.learningRate',
    /listed in the matrix/,
  ],
  [
    'adapters without a method that has any',
    rank({ low: 4, high: 8 }),
    { matrix: { method: 'full' } },
    'search.parameters.lora.r',
    /no method/,
  ],
  [
    'low above high',
    withRate({ low: 1 }),
    {},
    'search.parameters.training.learningRate.low',
    /not below high.*exchange/,
  ],
  [
    'one value',
    withRate({ low: 1e-3 }),
    {},
    'search.parameters.training.learningRate.low',
    /not below high.*set it in its section/,
  ],
  [
    'a logarithm of zero',
    { parameters: { 'training.weightDecay': { low: 0, high: 1, log: true } } },
    {},
    'search.parameters.training.weightDecay.low',
    /no logarithm: 0/,
  ],
  [
    'a bound that the setting refuses',
    withRate({ low: -1, log: false }),
    {},
    'search.parameters.training.learningRate.low',
    /greater than 0/,
  ],
  [
    'log with step',
    withRate({ step: 1e-5 }),
    {},
    'search.parameters.training.learningRate.step',
    /cannot be given with log/,
  ],
  ['a step of zero', withRate({ step: 0 }), {}, 'search.parameters.training.learningRate.step', /greater than 0/],
  [
    'a step above the range',
    withRate({ step: 1, log: false }),
    {},
    'search.parameters.training.learningRate.step',
    /more than the range/,
  ],
  ['half a rank', rank({ low: 4.5, high: 8 }), {}, 'search.parameters.lora.r.low', /whole number/],
  ['steps of half a rank', rank({ low: 4, high: 8, step: 0.5 }), {}, 'search.parameters.lora.r.step', /whole number/],
  [
    'a range of words',
    { parameters: { 'training.optimizer': { low: 1, high: 2 } } },
    {},
    'search.parameters.training.optimizer',
    /no numbers.*choices/,
  ],
  [
    'an unknown choice',
    { parameters: { 'training.optimizer': { choices: ['adamw', 'adam'] } } },
    {},
    'search.parameters.training.optimizer.choices[1]',
    /did you mean 'adamw'/,
  ],
  ['a choice twice', rank({ choices: [4, 8, 4] }), {}, 'search.parameters.lora.r.choices[2]', /repeats 4/],
  ['no choices', rank({ choices: [] }), {}, 'search.parameters.lora.r.choices', /must not be empty/],
  ['choices and bounds', rank({ choices: [4, 8], low: 4 }), {}, 'search.parameters.lora.r.low', /not a known field/],
  ['a slip in a bound', rank({ low: 4, high: 8, lgo: true }), {}, 'search.parameters.lora.r.lgo', /did you mean 'log'/],
  ['a number instead of a range', { parameters: { 'lora.r': 8 } }, {}, 'search.parameters.lora.r', /mapping of fields/],
  ['an unknown sampler', { sampler: 'tpee' }, {}, 'search.sampler', /did you mean 'tpe'/],
  ['an unknown objective', { objectives: ['speed'] }, {}, 'search.objectives[0]', /one of loss/],
  ['an objective twice', { objectives: ['loss', 'loss'] }, {}, 'search.objectives[1]', /repeats loss/],
  ['cost without a price', { objectives: ['cost'] }, {}, 'search.objectives[0]', /resources\.pricePerHour/],
  [
    'trade-offs with cma-es',
    { objectives: ['loss', 'peakMemory'], sampler: 'cma-es' },
    {},
    'search.sampler',
    /one objective/,
  ],
  ['trade-offs with a pruner', { objectives: ['loss', 'peakMemory'], ...median }, {}, 'search.pruner', /trade-offs/],
  [
    'a pruner that sees nothing of the objective',
    { objectives: ['tokensPerSecond'], ...median },
    {},
    'search.pruner',
    /says nothing about tokensPerSecond/,
  ],
  ['a pruner after the end', { pruner: { warmupSteps: 100 } }, {}, 'search.pruner.warmupSteps', /over by then/],
  [
    'a pruner that looks too seldom',
    { pruner: { every: 60 } },
    { training: { steps: 50 } },
    'search.pruner.every',
    /over by then/,
  ],
  [
    'a pruner that looks too often',
    median,
    { training: { logEvery: 20 } },
    'search.pruner.every',
    /reported every 20 steps/,
  ],
  ['a grid without steps', { sampler: 'grid' }, {}, 'search.parameters.training.learningRate', /no end of values/],
  [
    'cma-es without numbers',
    { sampler: 'cma-es', ...rank({ choices: [4, 8] }) },
    {},
    'search.sampler',
    /among numbers/,
  ],
  ['a matrix of one cell', { per: 'matrix' }, {}, 'search.per', /one cell/],
  [
    'more warm-up than training',
    { parameters: { 'training.steps': { low: 10, high: 100 } } },
    { training: { warmupSteps: 20 } },
    'training.warmupSteps',
    /more than the 10 steps/,
  ],
  [
    'a batch beyond bounds',
    { parameters: { 'training.microBatch': { low: 1, high: 100_000 } } },
    {},
    'search.parameters.training.microBatch',
    /forward pass/,
  ],
  [
    'too many trials',
    { trials: 10_000 },
    { matrix: { layers: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] } },
    'matrix',
    /110,011 trials/,
  ],
];

for (const [name, search, fields, path, words] of MISTAKES)
  test(`mistake in a search: ${name}`, () => {
    const issues = issuesOf(search, fields);
    const found = issues.find((one) => one.path === path);
    assert.ok(found !== undefined, JSON.stringify(issues));
    assert.match(`${found.message}; ${found.fix}`, words);
    assert.ok(found.fix !== undefined, 'has no fix');
    assert.equal(issues.length, 1, JSON.stringify(issues));
  });

test('every mistake of a search is found at once', () => {
  const issues = issuesOf({
    parameters: {
      'lora.rank': { low: 1, high: 2 },
      'lora.alpha': { low: 'little', high: 64 },
      'training.learningRate': { low: 2, high: 1 },
    },
    trials: 0,
    sampler: 'best',
    per: 'matrix',
    objectives: ['cost'],
  });
  assert.deepEqual(issues.map(({ path }) => path).toSorted(), [
    'search.objectives[0]',
    'search.parameters.lora.alpha.low',
    'search.parameters.lora.rank',
    'search.parameters.training.learningRate.low',
    'search.per',
    'search.sampler',
    'search.trials',
  ]);
});

test('what is probably not meant is said, and allowed', () => {
  const grid = warningsOf({ sampler: 'grid', parameters: { 'lora.r': { low: 4, high: 16, step: 4 } } });
  assert.deepEqual(
    grid.map(({ path, message }) => [path, message]),
    [['search.trials', 'is 20, and the grid has 4 points: a study ends after them']],
  );
  const [adapters] = warningsOf(rank({ choices: [4, 8] }), { matrix: { method: ['full', 'lora'] } });
  assert.match(adapters?.message ?? '', /cells of method full have none/);
  assert.deepEqual(warningsOf({}), []);
});

test('several objectives suit each sampler that can trade them off', () => {
  for (const sampler of ['tpe', 'random', 'nsga-ii'])
    assert.deepEqual(issuesOf({ sampler, objectives: ['loss', 'peakMemory'] }), []);
});

test("whether a range is of whole numbers follows from the setting's schema", () => {
  assert.equal(numberKind('lora.r'), 'int');
  assert.equal(numberKind('training.checkpointEvery'), 'int');
  assert.equal(numberKind('training.learningRate'), 'float');
  assert.equal(numberKind('training.maxGradNorm'), 'float');
  assert.equal(numberKind('training.packing'), null);
  const range = { low: 4, high: 64, log: false, step: null };
  assert.deepEqual(rangeOf('lora.r', range), { kind: 'int', low: 4, high: 64, log: false, step: 1 });
  assert.deepEqual(rangeOf('lora.alpha', range), { kind: 'float', ...range });
  assert.deepEqual(rangeOf('lora.r', { choices: [4, 8] }), { kind: 'categorical', choices: [4, 8] });
});

test('values of a range are counted, its ends included', () => {
  const float = { kind: 'float', log: false } as const;
  assert.equal(countValues({ ...float, low: 0, high: 0.3, step: 0.1 }), 4);
  assert.equal(countValues({ ...float, low: 0, high: 0.35, step: 0.1 }), 4);
  assert.equal(countValues({ ...float, low: 0, high: 1, step: null }), Number.POSITIVE_INFINITY);
  assert.equal(countValues({ kind: 'int', low: 4, high: 64, log: false, step: 4 }), 16);
  assert.equal(countValues({ kind: 'categorical', choices: ['a', 'b'] }), 2);
});

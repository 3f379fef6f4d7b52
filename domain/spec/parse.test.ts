import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyDocument, base } from './arbitrary.ts';
import { experimentDocument } from './document.ts';
import { type Issue, parseDocument, parseStored } from './parse.ts';

function issuesOf(input: string | object): readonly Issue[] {
  const parsed = parseDocument(input);
  return parsed.ok ? [] : parsed.issues;
}

test('eleven different mistakes are eleven issues, each with its path and a fix', () => {
  const text = readFileSync(new URL('../../tests/contract/documents/eleven-mistakes.yaml', import.meta.url), 'utf8');
  const issues = issuesOf(text);
  assert.deepEqual(issues.map(({ path }) => path).toSorted(), [
    'baseline.method',
    'matrix.layers[1]',
    'matrix.lora.r',
    'matrix.precision[1]',
    'matrix.seed[2]',
    'matrix.training.learningrate',
    'policy.maxParallel',
    'policy.stall',
    'quantization.computeDtype',
    'training.microbatch',
    'training.steps',
  ]);
  assert.deepEqual(
    issues.filter(({ fix }) => fix === undefined).map(({ path }) => path),
    [],
  );
});

/** Fields that replace those of a correct document; the path; words of message and fix. */
const MISTAKES: readonly [name: string, fields: object, path: string, words: RegExp][] = [
  ['no model', { model: undefined }, 'model', /required.*matrix\.model/],
  ['no dataset', { dataset: undefined }, 'dataset', /required/],
  ['no name', { name: undefined }, 'name', /required/],
  ['empty name', { name: ' ' }, 'name', /empty/],
  ['other version', { apiVersion: 'lamina/v2' }, 'apiVersion', /must be lamina\/v1/],
  ['unknown section', { trainning: {} }, 'trainning', /did you mean 'training'/],
  ['model as a number', { model: 5 }, 'model', /must be a model.*owner\/name/],
  [
    'null among choices',
    { search: { parameters: { 'training.maxGradNorm': { choices: [null] } } } },
    'search.parameters.training.maxGradNorm.choices[0]',
    /got null/,
  ],
  ['model without source', { model: { id: 'x' } }, 'model.source', /one of: hf, path, gguf/],
  ['model of an unknown source', { model: { source: 'hub', id: 'x' } }, 'model.source', /hf, path, gguf; got "hub"/],
  ['slip in a model', { model: { source: 'hf', id: 'a/b', revison: 'x' } }, 'model.revison', /'revision'/],
  ['not a hub id', { model: 'a b' }, 'model', /not the id/],
  ['model twice', { matrix: { model: ['a/b', 'c/d'] } }, 'model', /given twice/],
  [
    'unknown data format',
    { dataset: { source: 'file', path: 'x', format: 'xlsx' } },
    'dataset.format',
    /jsonl, json, csv/,
  ],
  [
    'two kinds of evaluation',
    { dataset: { source: 'file', path: 'x.csv', evaluation: { path: 'a', group: 'b' } } },
    'dataset.evaluation.group',
    /not a known field/,
  ],
  [
    'prompt without completion',
    { dataset: { source: 'file', path: 'x.jsonl', fields: { prompt: 'a' } } },
    'dataset.fields.completion',
    /required/,
  ],
  ['zero layers', { matrix: { layers: 0 } }, 'matrix.layers', /at least 1, got 0/],
  ['half a layer', { matrix: { layers: [1.5] } }, 'matrix.layers[0]', /whole number.*write 2/],
  ['layers as a word', { matrix: { layers: ['al'] } }, 'matrix.layers[0]', /must be a depth.*write all/],
  ['unknown strategy', { matrix: { layers: [{ strategy: 'evn', keep: 2 }] } }, 'matrix.layers[0].strategy', /'even'/],
  [
    'a layer twice',
    { matrix: { layers: [{ strategy: 'list', indices: [1, 2, 1] }] } },
    'matrix.layers[0].indices[2]',
    /repeats layer 1/,
  ],
  ['slip in a precision', { matrix: { precision: ['bf61'] } }, 'matrix.precision[0]', /did you mean 'bf16'/],
  ['axis without its section', { matrix: { learningRate: [1] } }, 'matrix.learningRate', /'training.learningRate'/],
  [
    'wrong type on an axis',
    { matrix: { 'training.learningRate': ['2e-4'] } },
    'matrix.training.learningRate[0]',
    /0.0002 without/,
  ],
  ['out of range on an axis', { matrix: { 'lora.dropout': [1] } }, 'matrix.lora.dropout[0]', /less than 1/],
  ['empty axis', { matrix: { precision: [] } }, 'matrix.precision', /empty axis/],
  ['repeated seed', { matrix: { seed: [1, 1] } }, 'matrix.seed[1]', /repeats matrix.seed\[0\]/],
  ['the same depth twice', { matrix: { layers: [6, { strategy: 'first', keep: 6 }] } }, 'matrix.layers[1]', /repeats/],
  ['nothing fits', { matrix: { method: 'full', precision: 'nf4' } }, 'matrix.method', /nf4 weights cannot be trained/],
  ['lora on a k-bit base', { matrix: { method: 'lora', precision: ['int8'] } }, 'matrix.method', /the method is qlora/],
  ['adapters without a method', { matrix: { method: 'full' }, lora: { r: 8 } }, 'lora', /no effect/],
  ['adapter axis without a method', { matrix: { method: 'full', 'lora.r': 8 } }, 'matrix.lora.r', /no effect/],
  ['exclude as a mapping', { matrix: { exclude: { layers: 3 } } }, 'matrix.exclude', /must be a list/],
  ['exclude everything', { matrix: { exclude: [{}] } }, 'matrix.exclude[0]', /every cell/],
  ['a range of names', { matrix: { exclude: [{ precision: '<9' }] } }, 'matrix.exclude[0].precision', /is a range/],
  ['a pattern of numbers', { matrix: { exclude: [{ layers: '1*' }] } }, 'matrix.exclude[0].layers', /must be a depth/],
  ['slip in include', { matrix: { include: [{ precision: 'nf5' }] } }, 'matrix.include[0].precision', /'nf4'/],
  ['slip in a baseline', { baseline: { precison: 'bf16' } }, 'baseline.precison', /'precision'/],
  ['baseline of no cell', { baseline: { layers: 6 } }, 'baseline.layers', /matches no cell: the matrix has all, not 6/],
  ['baseline by seed', { baseline: { seed: 1 } }, 'baseline.seed', /seed by seed/],
  ['nothing in parallel', { policy: { maxParallel: 0 } }, 'policy.maxParallel', /at least 1/],
  ['not a duration', { policy: { stall: '10 minutes' } }, 'policy.stall', /"30m"/],
  ['more attempts than allowed', { policy: { attempts: 30 } }, 'policy.attempts', /policy.maxAttempts/],
  ['backoff upside down', { policy: { backoff: { initial: '2h' } } }, 'policy.backoff.initial', /longest wait/],
  ['not a size', { objective: { maxMemory: '16 gigs' } }, 'objective.maxMemory', /"16GiB"/],
  ['cost without a price', { objective: { maxCost: 3 } }, 'objective.maxCost', /pricePerHour/],
  ['memory over its bound', { resources: { memory: '8GiB', maxMemory: '4GiB' } }, 'resources.memory', /maxMemory/],
  ['epochs', { training: { epochs: 3 } }, 'training.epochs', /'steps'/],
  [
    'a name from elsewhere',
    { training: { gradient_accumulation_steps: 3 } },
    'training.gradient_accumulation_steps',
    /'accumulation'/,
  ],
  ['an empty section', { training: null }, 'training', /mapping of fields, got null/],
  [
    'warm-up longer than training',
    { training: { steps: 5, warmupSteps: 6 } },
    'training.warmupSteps',
    /more than the 5/,
  ],
  ['a batch beyond memory', { training: { microBatch: 100_000 } }, 'training.microBatch', /100000 × 512 tokens/],
  ['evaluation under a sequence', { evaluation: { maxTokens: 100 } }, 'evaluation.maxTokens', /less than one sequence/],
  ['not a number', { training: { learningRate: Number.NaN } }, 'training.learningRate', /must be a number/],
  ['yes for true', { training: { packing: 'yes' } }, 'training.packing', /write true/],
  ['targets', { lora: { targets: 'all-liner' } }, 'lora.targets', /'all-linear'/],
  ['target as a number', { lora: { targets: [1] } }, 'lora.targets[0]', /must be text/],
  [
    'double quantization and not',
    { matrix: { method: 'qlora', precision: 'nf4-dq' }, quantization: { doubleQuant: false } },
    'quantization.doubleQuant',
    /contradicts nf4-dq.*write nf4/,
  ],
  [
    'tf32 in bf16',
    { matrix: { precision: 'tf32' }, quantization: { computeDtype: 'bf16' } },
    'quantization.computeDtype',
    /contradicts tf32/,
  ],
  [
    'too many trials',
    {
      matrix: {
        seed: Array.from({ length: 1001 }, (_, index) => index),
        layers: Array.from({ length: 100 }, (_, index) => index + 1),
      },
    },
    'matrix',
    /100,100 trials; an experiment may have 100,000/,
  ],
];

for (const [name, fields, path, words] of MISTAKES) {
  test(`mistake: ${name}`, () => {
    const issues = issuesOf({ ...base, ...fields });
    assert.equal(issues.length, 1, JSON.stringify(issues));
    assert.equal(issues[0]?.path, path);
    assert.ok(issues[0]?.fix, 'every mistake has a fix');
    assert.match(`${issues[0]?.message}; ${issues[0]?.fix}`, words);
    assert.doesNotMatch(JSON.stringify(issues), /Invalid input|undefined|Infinity|u0001/);
  });
}

test('a document that came out of parsing parses to itself, as the schema says too', () => {
  fc.assert(
    fc.property(anyDocument, (input) => {
      const parsed = parseDocument(input);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      const again = parseDocument(JSON.parse(JSON.stringify(parsed.document)));
      assert.ok(again.ok);
      assert.deepEqual(again.document, parsed.document);
      assert.deepEqual(experimentDocument.parse(parsed.document), parsed.document);
    }),
  );
});

test('whatever the input is, there is an answer and never an exception', () => {
  const wild = fc.record(
    Object.fromEntries([...Object.keys(experimentDocument.shape), 'other'].map((key) => [key, fc.anything()])),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(wild, (input) => {
      const parsed = parseDocument(input);
      assert.ok(parsed.ok || parsed.issues.length > 0);
    }),
  );
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseDocument(text)));
});

test('short forms mean what their long forms mean', () => {
  const short = parseDocument({
    ...base,
    model: './x.gguf',
    dataset: 'notes.txt',
    matrix: { layers: ['all', 6], precision: 'bf16' },
    policy: { stall: '1.5m', trialDeadline: '2h' },
    resources: { memory: '1.5GiB' },
  });
  assert.ok(short.ok);
  const { document } = short;
  assert.deepEqual(document.model, { source: 'gguf', path: './x.gguf', fingerprint: null });
  assert.deepEqual(document.dataset, {
    source: 'file',
    path: 'notes.txt',
    format: 'text',
    fields: null,
    loss: null,
    chatTemplate: null,
    specialTokens: null,
    onBadRecord: 'fail',
    evaluation: null,
    fingerprint: null,
  });
  assert.deepEqual(document.matrix.layers, [{ strategy: 'all' }, { strategy: 'first', keep: 6 }]);
  assert.deepEqual(document.matrix.precision, ['bf16']);
  assert.deepEqual([document.policy.stall, document.policy.trialDeadline], [90, 7200]);
  assert.equal(document.resources.memory, 1.5 * 2 ** 30);
});

test('a stored document without a setting that was not there yet keeps its meaning', () => {
  const fresh = parseDocument(base);
  assert.ok(fresh.ok);
  assert.equal(fresh.document.training.masterWeights, 'fp32');
  const { masterWeights: _, ...training } = fresh.document.training;
  const stored = parseStored({ ...fresh.document, training });
  assert.ok(stored.ok);
  assert.equal(stored.document.training.masterWeights, 'none');
  assert.deepEqual(parseStored(fresh.document), parseDocument(fresh.document));
});

test('what leads somewhere or ends like a file is no hub id', () => {
  const read = (dataset: string) => {
    const parsed = parseDocument({ ...base, dataset });
    assert.ok(parsed.ok, dataset);
    const found = parsed.document.dataset;
    assert.ok(found.source !== 'generated');
    return found.source === 'hf' ? 'hf' : found.format;
  };
  const formats = {
    './notes.csv': 'csv',
    'notes.CSV': 'csv',
    'data/x.parquet': 'parquet',
    '/a/x.jsonl.gz': 'jsonl',
    'x.json.zst': 'json',
    'x.tsv': 'tsv',
    'x.feather': 'arrow',
    'shards/*.jsonl': 'jsonl',
    './shards': null,
    '~/x': null,
    'notes.xlsx': null,
    'owner/name': 'hf',
    'bigcode/the-stack-v1.1': 'hf',
    name: 'hf',
  };
  for (const [dataset, format] of Object.entries(formats)) assert.equal(read(dataset), format, dataset);
});

test('lora settings are there where a method has adapters, and null elsewhere', () => {
  const lora = parseDocument(base);
  assert.ok(lora.ok);
  assert.equal(lora.document.lora?.r, 16);
  const full = parseDocument({ ...base, matrix: { method: 'full' } });
  assert.ok(full.ok);
  assert.equal(full.document.lora, null);
});

test('what is allowed but probably not meant is a warning', () => {
  const parsed = parseDocument({
    ...base,
    matrix: { precision: ['bf16', 'fp16'], seed: 1, exclude: [{ layers: '<9' }] },
    training: { steps: 2 },
    quantization: { doubleQuant: true },
    baseline: { layers: 'all' },
  });
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.warnings.map(({ path }) => path).toSorted(), [
    'baseline',
    'matrix.exclude[0].layers',
    'matrix.seed',
    'quantization.doubleQuant',
    'training.warmupMeasurements',
  ]);
});

/** The example documents, and the JSON Schema that editors check documents with. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { expandMatrix } from '@lamina/domain/matrix/expand.ts';
import { anyDocument, base } from '@lamina/domain/spec/arbitrary.ts';
import type { ExperimentDocument } from '@lamina/domain/spec/document.ts';
import { parseDocument } from '@lamina/domain/spec/parse.ts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { parse } from 'yaml';

const root = new URL('../../', import.meta.url);
const schema = JSON.parse(readFileSync(new URL('docs/experiment.schema.json', root), 'utf8'));
const satisfies = new Ajv2020({ strict: false }).compile(schema);
/** Settings of a cluster are no experiment; tests of k8s hold them. */
const files = readdirSync(new URL('examples/', root)).filter(
  (file) => file.endsWith('.yaml') && file !== 'kubernetes.yaml',
);

function text(file: string): string {
  return readFileSync(new URL(file, root), 'utf8');
}

function document(file: string): ExperimentDocument {
  const parsed = parseDocument(text(file));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.warnings, []);
  return parsed.document;
}

for (const file of files) {
  test(`examples/${file} is correct, without warnings, and satisfies the schema`, () => {
    document(`examples/${file}`);
    assert.ok(satisfies(parse(text(`examples/${file}`))), JSON.stringify(satisfies.errors));
  });
}

test('what the reader accepts satisfies the schema, as written and with its defaults', () => {
  fc.assert(
    fc.property(anyDocument, (input) => {
      assert.ok(satisfies(input), JSON.stringify(satisfies.errors));
      const parsed = parseDocument(input);
      assert.ok(parsed.ok);
      assert.ok(satisfies(parsed.document), JSON.stringify(satisfies.errors));
    }),
    { numRuns: 50 },
  );
});

test('an editor sees the mistakes that lie in a single field', () => {
  assert.ok(satisfies(base));
  for (const fields of [
    { matrix: { layers: 0 } },
    { matrix: { precision: ['nf5'] } },
    { matrix: { 'training.learningrate': 1 } },
    { training: { epochs: 3 } },
    { policy: { stall: '10 minutes' } },
    { model: 5 },
    { name: undefined },
  ])
    assert.equal(satisfies(JSON.parse(JSON.stringify({ ...base, ...fields }))), false, JSON.stringify(fields));
});

test('the quickstart: 3 depths × 3 precisions × 2 seeds, and each impossible half named', () => {
  const expansion = expandMatrix(document('examples/quickstart.yaml'), {
    trainerRevision: 'r',
    device: { kind: 'cpu', name: 'CPU', computeCapability: null, fast16Bit: false },
    layersOf: () => 18,
    gpus: null,
  });
  assert.equal(expansion.trials.length, 18);
  assert.equal(expansion.cells.length, 9);
  assert.equal(expansion.dropped.length, 9);
  assert.equal(expansion.cells.find(({ id }) => id === expansion.baselineCellId)?.label, 'all layers · bf16 · lora');
  assert.ok(expansion.cells.every(({ precision, method }) => (precision === 'bf16') === (method === 'lora')));
});

test('the 8B study is expressed one to one', () => {
  const { trials } = expandMatrix(document('examples/llama3-8b-study.yaml'), {
    trainerRevision: 'r',
    device: null,
    layersOf: () => 32,
    gpus: null,
  });
  const nf4 = trials.find(
    ({ settings }) => settings.precision === 'nf4' && settings.layers.strategy === 'all',
  )?.settings;
  assert.ok(nf4);
  assert.deepEqual(nf4.model, { source: 'hf', id: 'meta-llama/Meta-Llama-3-8B', revision: 'main' });
  assert.equal(nf4.method, 'qlora');
  assert.equal(nf4.computeDtype, 'fp16');
  assert.deepEqual(nf4.lora, { r: 64, alpha: 16, dropout: 0.1, bias: 'none', targets: 'all-linear', rslora: false });
  const { steps, microBatch, accumulation, learningRate, mixedPrecision, maxLength } = nf4.training;
  assert.deepEqual(
    { steps, microBatch, accumulation, learningRate, mixedPrecision, maxLength },
    { steps: 5000, microBatch: 1, accumulation: 4, learningRate: 2e-4, mixedPrecision: 'fp16', maxLength: 256 },
  );
});

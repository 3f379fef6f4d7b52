import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelRef } from '../contract/settings.ts';
import { base } from './arbitrary.ts';
import type { ExperimentDocument } from './document.ts';
import { parseDocument } from './parse.ts';
import { references, withReferences } from './references.ts';

function parsed(fields: object): ExperimentDocument {
  const result = parseDocument({ ...base, ...fields });
  assert.ok(result.ok, JSON.stringify(result));
  return result.document;
}

const paths = (models: readonly ModelRef[]) => models.map((model) => (model.source === 'hf' ? model.id : model.path));
const absolute = (model: ModelRef): ModelRef =>
  model.source === 'hf' ? model : { ...model, path: `/base/${model.path}`, fingerprint: `f-${model.path}` };

const document = parsed({
  model: null,
  matrix: {
    model: ['./a.gguf', 'x/b'],
    include: [{ model: ['./c', './a.gguf'] }],
    exclude: [{ model: 'x/*', layers: 'all' }],
  },
  baseline: { model: './a.gguf' },
});

test('every model is named once, wherever it is written', () => {
  assert.deepEqual(paths(references(document).models), ['./a.gguf', 'x/b', './c']);
  assert.deepEqual(paths(references(parsed({})).models), ['owner/model']);
});

test('a function or a map resolves every place, and what it does not know stays', () => {
  const dataset = { ...document.dataset, fingerprint: 'd' } as ExperimentDocument['dataset'];
  const byFunction = withReferences(document, { models: absolute, dataset });
  const map = new Map(references(document).models.map((model) => [model, absolute(model)]));
  assert.deepEqual(withReferences(document, { models: map, dataset }), byFunction);
  assert.deepEqual(paths(references(byFunction).models), ['/base/./a.gguf', 'x/b', '/base/./c']);
  assert.deepEqual(byFunction.baseline.model, absolute({ source: 'gguf', path: './a.gguf', fingerprint: null }));
  assert.deepEqual(byFunction.matrix.exclude, document.matrix.exclude);
  assert.deepEqual(byFunction.dataset, dataset);
  const again = parseDocument(byFunction);
  assert.ok(again.ok);
  assert.deepEqual(again.document, byFunction);
  assert.deepEqual(withReferences(document, { models: new Map(), dataset: document.dataset }), document);
});

test('the single model of a document is resolved too', () => {
  const one = parsed({ model: './m' });
  const resolved = withReferences(one, { models: absolute, dataset: one.dataset });
  assert.deepEqual(resolved.model, { source: 'path', path: '/base/./m', fingerprint: 'f-./m' });
});

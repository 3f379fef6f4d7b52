import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expandMatrix } from '../matrix/expand.ts';
import { anyDocument, base } from './arbitrary.ts';
import type { ExperimentDocument } from './document.ts';
import { extendDocument } from './extend.ts';
import { parseDocument } from './parse.ts';

const ids = (document: ExperimentDocument) =>
  expandMatrix(document, { trainerRevision: 'r', device: null, layersOf: () => null, gpus: null }).trials.map(
    ({ id }) => id,
  );

function parsed(fields: object): ExperimentDocument {
  const result = parseDocument({ ...base, ...fields });
  assert.ok(result.ok, JSON.stringify(result));
  return result.document;
}

test('extending keeps every trial and adds those of the new values', () => {
  const addition = fc.record(
    {
      seed: fc.uniqueArray(fc.nat(20), { minLength: 1, maxLength: 3 }),
      layers: fc.constantFrom<unknown[]>(['all'], [3, 4], [{ strategy: 'even', keep: 5 }]),
      precision: fc.constantFrom<unknown[]>(['fp16'], ['int8', 'bf16']),
    },
    { requiredKeys: ['seed'] },
  );
  fc.assert(
    fc.property(anyDocument, addition, (input, axes) => {
      const document = parsed(input);
      const extended = extendDocument(document, axes);
      assert.ok(extended.ok, JSON.stringify(extended));
      const before = new Set(ids(document));
      const after = new Set(ids(extended.document));
      assert.ok(before.isSubsetOf(after));
      const again = extendDocument(extended.document, axes);
      assert.ok(again.ok);
      assert.deepEqual(again.document, extended.document, 'adding the same values again adds nothing');
    }),
  );
});

test('new seeds double the trials; other axes multiply them', () => {
  const document = parsed({ matrix: { layers: [12, 6], seed: [1, 2], 'training.learningRate': 1e-4 } });
  const seeds = extendDocument(document, { seed: [2, 3, 4] });
  assert.ok(seeds.ok);
  assert.deepEqual(seeds.document.matrix.seed, [1, 2, 3, 4]);
  assert.equal(ids(seeds.document).length, 8);
  const rates = extendDocument(document, { 'training.learningRate': 5e-4, layers: 'all' });
  assert.ok(rates.ok);
  assert.deepEqual(rates.document.matrix['training.learningRate'], [1e-4, 5e-4]);
  assert.equal(ids(rates.document).length, 12);
});

test('mistakes are named by their place', () => {
  const document = parsed({});
  const extended = extendDocument(document, { sed: [1], precision: ['nf5'], layers: [], exclude: [{ layers: 1 }] });
  assert.ok(!extended.ok);
  assert.deepEqual(
    extended.issues.map(({ path }) => path),
    ['matrix.sed', 'matrix.precision[0]', 'matrix.layers', 'matrix.exclude'],
  );
  for (const axes of [{}, { 'lora.r': [4] }, { model: ['other/model'] }]) assert.ok(!extendDocument(document, axes).ok);
  const tooMany = extendDocument(document, { seed: Array.from({ length: 100_001 }, (_, index) => index) });
  assert.ok(!tooMany.ok);
});

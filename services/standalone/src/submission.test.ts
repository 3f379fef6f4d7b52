import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { withSeeds } from './submission.ts';

test('other seeds replace the seeds and nothing else', () => {
  const text = '# why\nname: a\nmatrix:\n  layers: [all, 6] # of 18\n  seed: [1, 2]\n';
  const changed = withSeeds(text, [3, 4]);
  assert.deepEqual(parse(changed), { name: 'a', matrix: { layers: ['all', 6], seed: [3, 4] } });
  assert.ok(changed.includes('# of 18'));
});

test('a document without seeds gets them; JSON is YAML too', () => {
  assert.deepEqual(parse(withSeeds('{"name": "a"}', [7])), { name: 'a', matrix: { seed: [7] } });
});

test('broken YAML is left for the API to explain', () => {
  assert.equal(withSeeds('a: [1', [3]), 'a: [1');
});

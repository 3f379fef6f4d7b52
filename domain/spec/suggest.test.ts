import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { closest, editDistance } from './suggest.ts';

test('distances of known pairs', () => {
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(editDistance('nf4-qd', 'nf4-dq'), 1);
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('abc', ''), 3);
});

test('a distance is symmetric, zero only for equal words, and at most the longer word', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length));
    }),
  );
});

test('slips are recognised, other words are not', () => {
  const words = ['precision', 'method', 'layers'];
  assert.equal(closest('precison', words), 'precision');
  assert.equal(closest('Layers', words), 'layers');
  assert.equal(closest('seed', words), null);
  assert.equal(closest('x'.repeat(100), words), null);
  assert.equal(closest('num_train_epochs', ['steps', 'maxLength']), 'steps');
  assert.equal(closest('num_train_epochs', words), null);
});

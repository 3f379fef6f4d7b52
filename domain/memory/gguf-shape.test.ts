import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ggufShape } from './gguf-shape.ts';
import { countParameters } from './parameters.ts';

/** As Gemma 3 270M's file says, without its tokens. */
const GEMMA = new Map<string, unknown>([
  ['general.architecture', 'gemma3'],
  ['gemma3.embedding_length', 640],
  ['gemma3.block_count', 18],
  ['gemma3.feed_forward_length', 2048],
  ['gemma3.attention.head_count', 4],
  ['gemma3.attention.head_count_kv', 1],
  ['gemma3.attention.key_length', 256],
  ['tokenizer.ggml.tokens', Array.from({ length: 262_144 })],
]);

test('the header of Gemma 3 270M says its 268,098,176 parameters', () => {
  const shape = ggufShape(GEMMA, ['token_embd.weight', 'output_norm.weight']);
  assert.ok(shape);
  assert.equal(countParameters(shape, shape.layers).total, 268_098_176);
});

test('a head of its own is not tied; architectures that are not known, and experts, have no shape', () => {
  assert.equal(ggufShape(GEMMA, ['output.weight'])?.tied, false);
  assert.equal(ggufShape(new Map([...GEMMA, ['general.architecture', 'mamba']]), []), null);
  assert.equal(ggufShape(new Map([...GEMMA, ['gemma3.expert_count', 8]]), []), null);
  const uneven = new Map([...GEMMA, ['gemma3.feed_forward_length', [2048, 1024]]]);
  assert.equal(ggufShape(uneven, []), null);
});

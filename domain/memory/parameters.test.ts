import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adapterParameters, countParameters } from './parameters.ts';
import { readShape } from './shape.ts';
import { CONFIGS, shapeOf } from './testing/configs.ts';

test('parameters are exact for every family', () => {
  for (const { name, parameters } of CONFIGS) assert.equal(countParameters(shapeOf(name)).total, parameters, name);
});

test('adapters are exact: rank 8 on every linear layer', () => {
  for (const { name, adapters } of CONFIGS)
    assert.equal(adapterParameters(shapeOf(name), 8, 'all-linear'), adapters, name);
});

test('LoRA of rank 32 on q and v of Llama 3.2 3B trains 9,175,040 parameters', () => {
  assert.equal(adapterParameters(shapeOf('llama-3.2-3b'), 32, ['q_proj', 'v_proj']), 9_175_040);
});

test('a cut takes its layers and nothing else', () => {
  const shape = shapeOf('llama-3-8b');
  const [whole, half] = [countParameters(shape), countParameters(shape, 16)];
  assert.equal(whole.total - half.total, 16 * whole.layer);
  assert.equal(half.embedding, whole.embedding);
});

test('what transformers leaves out of a config is filled in, and a text decoder is found in a larger model', () => {
  const gemma3 = (vision_config: object) =>
    readShape({
      model_type: 'gemma3',
      vision_config,
      text_config: { model_type: 'gemma3_text', hidden_size: 2560, intermediate_size: 10_240, num_hidden_layers: 34 },
    });
  const read = gemma3({});
  assert.ok(read.ok);
  assert.equal(read.shape.heads, 8);
  assert.equal(read.shape.vocabulary, 262_208);
  assert.equal(read.shape.tied, true);
  // SigLIP as transformers counts it (with Gemma 3's sizes 432,104,384), and the projection into 2,560.
  const siglip = { hidden_size: 1152, intermediate_size: 4304, num_hidden_layers: 27, patch_size: 14, image_size: 896 };
  const larger = gemma3(siglip);
  assert.equal(larger.ok && larger.shape.tower, 432_104_384 + 2_950_272);
  const headless = gemma3({ ...siglip, vision_use_head: false });
  assert.ok(headless.ok && larger.ok && headless.shape.tower < larger.shape.tower);
});

test('a config that cannot be read says why', () => {
  assert.deepEqual(readShape([]), { ok: false, message: 'is not a JSON object' });
  const absurd = readShape({ ...CONFIGS[0].config, hidden_size: 1e12 });
  assert.equal(absurd.ok ? '' : absurd.message, 'lacks a usable hidden_size');
  const unknown = readShape({ model_type: 'bert' });
  assert.match(unknown.ok ? '' : unknown.message, /type 'bert'; known are llama/);
  const short = readShape({ model_type: 'llama', hidden_size: 8 });
  assert.equal(
    short.ok ? '' : short.message,
    'lacks a usable intermediate_size, num_hidden_layers, num_attention_heads, vocab_size',
  );
});

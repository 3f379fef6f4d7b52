import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inspectModel } from './model-files.ts';
import { decoder, safetensors, tokenizer, writeModel } from './testing/model-folder.ts';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamina-model-files-'));
});
after(() => rm(root, { recursive: true, force: true }));

const CONFIG = { num_hidden_layers: 3, vocab_size: 8 };
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`;
const WHOLE = safetensors(decoder(3));

interface Case {
  readonly config?: object;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly without?: readonly string[];
  /** Absent: nothing is wrong. */
  readonly message?: RegExp;
}

function sharded(shards: Readonly<Record<string, object>>, listed = shards): Readonly<Record<string, string | Buffer>> {
  const entries = Object.entries(listed).flatMap(([file, tensors]) => Object.keys(tensors).map((name) => [name, file]));
  // biome-ignore lint/style/useNamingConvention: the format's own
  const index = JSON.stringify({ metadata: {}, weight_map: Object.fromEntries(entries) });
  const files = Object.entries(shards).map(([file, tensors]) => [
    file,
    safetensors(tensors as ReturnType<typeof decoder>),
  ]);
  return { 'model.safetensors.index.json': index, ...Object.fromEntries(files) };
}

const { 'lm_head.weight': head = [], ...body } = decoder(3);
const SHARDS = { 'a.safetensors': body, 'b.safetensors': { 'lm_head.weight': head } };
const only = (name: string, ...shapes: readonly (readonly [string, readonly number[]])[]) => ({
  [name]: safetensors(Object.fromEntries(shapes)),
});
const named = (pattern: (layer: number) => string, layers = 3) =>
  only('model.safetensors', ...Array.from({ length: layers }, (_, layer) => [pattern(layer), [2, 2]] as const));

const CASES: Readonly<Record<string, Case>> = {
  'a whole model': {},
  'a model in shards': { files: sharded(SHARDS), without: ['model.safetensors'] },
  'a pickled model': { files: { 'pytorch_model.bin': 'PK' }, without: ['model.safetensors'] },
  'a quantized model in files of its own names': {
    config: { ...CONFIG, quantization_config: { quant_method: 'gptq' } },
    files: { 'gptq_model-4bit.safetensors': WHOLE },
    without: ['model.safetensors'],
  },
  'GPT-2': { config: { n_layer: 3 }, files: named((layer) => `h.${layer}.attn.c_attn.weight`) },
  'a model with an image encoder of another depth': {
    config: { text_config: CONFIG, vision_config: { num_hidden_layers: 27 } },
    files: named(
      (layer) => (layer < 3 ? `model.language_model.layers.${layer}.a` : `vision_tower.encoder.layers.${layer}.a`),
      9,
    ),
  },
  'a layer that predicts a further token': {
    config: { ...CONFIG, num_nextn_predict_layers: 1 },
    files: { 'model.safetensors': safetensors(decoder(4)) },
  },
  'a special token after the last row': { files: { 'tokenizer.json': tokenizer(8, ['<image>']) } },
  'a tokenizer in two files': { files: { 'vocab.json': '{"a": 0}', 'merges.txt': '' }, without: ['tokenizer.json'] },

  'a pointer in place of the weights': {
    files: { 'model.safetensors': POINTER },
    message: /^model\.safetensors of .* is a Git LFS pointer/,
  },
  'pointers in place of configuration and tokenizer': {
    files: { 'config.json': POINTER, 'tokenizer.json': POINTER },
    message: /config\.json, tokenizer\.json of .* are Git LFS pointers/,
  },
  'no weights': { without: ['model.safetensors'], message: /has no weights/ },
  'an empty file': { files: { 'model.safetensors': '' }, message: /model\.safetensors is empty/ },
  'a file that is cut off': {
    files: { 'model.safetensors': WHOLE.subarray(0, WHOLE.length - 9) },
    message: /has \d+ bytes, and its header describes \d+/,
  },
  'a file that is cut off in its header': {
    files: { 'model.safetensors': WHOLE.subarray(0, 40) },
    message: /cut off within its header/,
  },
  'an empty pickle': {
    files: { 'pytorch_model.bin': '' },
    without: ['model.safetensors'],
    message: /pytorch_model\.bin is empty/,
  },
  'a shard that is not there': {
    files: sharded({ 'a.safetensors': body }, SHARDS),
    without: ['model.safetensors'],
    message: /lacks b\.safetensors, which its index/,
  },
  'a shard of another model': {
    files: sharded({ ...SHARDS, 'b.safetensors': { other: [1] } }, SHARDS),
    without: ['model.safetensors'],
    message: /1 tensors missing \(lm_head\.weight\)/,
  },
  'an index that is none': {
    files: { 'model.safetensors.index.json': '{}' },
    without: ['model.safetensors'],
    message: /is no index of weights/,
  },
  'a configuration that is no JSON': { files: { 'config.json': '{' }, message: /config\.json is not JSON/ },
  'more layers than there are': {
    config: { ...CONFIG, num_hidden_layers: 8 },
    files: { 'model.safetensors': WHOLE },
    message: /says 8 decoder layers, and its files hold 3 \(missing: 3, 4, 5 and 2 more\)/,
  },
  'fewer layers than there are': {
    config: { ...CONFIG, num_hidden_layers: 2 },
    files: { 'model.safetensors': WHOLE },
    message: /says 2 decoder layers, and its files hold 3$/,
  },
  'another vocabulary than there is': {
    config: { ...CONFIG, vocab_size: 640 },
    files: { 'model.safetensors': WHOLE },
    message: /says vocab_size 640, and the embedding in its files has 8 rows/,
  },
  'no tokenizer': { without: ['tokenizer.json'], message: /has no tokenizer/ },
  'half a tokenizer': { files: { 'vocab.json': '{}' }, without: ['tokenizer.json'], message: /has no tokenizer/ },
  'a tokenizer that is longer than the embedding': {
    files: { 'tokenizer.json': tokenizer(7, ['note', 'habit', 'the']) },
    message: /has 10 entries, and the model's embedding 8 rows: none for 'habit', 'the'$/,
  },
  'a tokenizer that is longer than a pickled embedding': {
    files: { 'pytorch_model.bin': 'PK', 'tokenizer.json': tokenizer(9) },
    without: ['model.safetensors'],
    message: /has 9 entries, and the model's embedding 8 rows: none for 'w8'/,
  },
  'an adapter in the folder': { files: { 'adapter_config.json': '{}' }, message: /holds a model and an adapter/ },
};

for (const [name, { config = CONFIG, files = {}, without = [], message }] of Object.entries(CASES)) {
  test(`${name}: ${message === undefined ? 'nothing is wrong' : 'refused'}`, async () => {
    const folder = await writeModel(join(root, name.replaceAll(' ', '-')), config, files);
    for (const file of without) await rm(join(folder, file));
    const problem = inspectModel(folder);
    if (message === undefined) return assert.equal(problem, null);
    assert.match(problem?.message ?? '', message);
    assert.notEqual(problem?.fix, '');
  });
}

test('what is not readable is not taken for a fault of the model', async () => {
  const folder = await writeModel(join(root, 'vanishing'), CONFIG);
  await rm(join(folder, 'config.json'));
  await writeFile(join(folder, 'notes'), '');
  assert.throws(() => inspectModel(folder), /ENOENT/);
});

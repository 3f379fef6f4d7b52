import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createFingerprints } from './fingerprints.ts';
import { createInputFiles } from './input-files.ts';
import { type ModelContext, resolveModel } from './model.ts';
import { placesFrom } from './paths.ts';
import { createShapes } from './shapes.ts';

let folder: string;
let context: ModelContext;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-model-'));
  context = {
    places: placesFrom(folder),
    fingerprints: createFingerprints(),
    inputFiles: createInputFiles(null, { localPath: () => null }),
    hubCache: join(folder, 'hub'),
    shapes: createShapes(null),
  };
});
after(() => rm(folder, { recursive: true, force: true }));

async function saveModel(name: string, config: object, weights = 'weights'): Promise<string> {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, name, 'model.safetensors'), weights);
  return name;
}

function path(name: string) {
  return resolveModel({ source: 'path', path: name, fingerprint: null }, 'model', context);
}

test('the depth of a folder is read, also where the model has several parts', async () => {
  assert.equal((await path(await saveModel('plain', { num_hidden_layers: 32 }))).layers, 32);
  assert.equal((await path(await saveModel('parts', { text_config: { num_hidden_layers: 18 } }))).layers, 18);
  const unknown = await path(await saveModel('silent', {}));
  assert.equal(unknown.layers, null);
  assert.equal(unknown.warnings.length, 1);
});

test('how weights are quantized on disk is read from the configuration', async () => {
  const stored = async (name: string, quantization: object) =>
    (await path(await saveModel(name, { num_hidden_layers: 2, ...quantization }))).checkpoint;
  assert.equal(await stored('whole', {}), null);
  assert.equal(await stored('gptq', { quantization_config: { quant_method: 'gptq', bits: 4 } }), 'gptq');
  assert.equal(await stored('unsaid', { quantization_config: { bits: 4 } }), 'unknown');
});

test('a fingerprint follows configuration and weights, not names of folders or dates', async () => {
  const fingerprint = async (name: string) => {
    const { model } = await path(name);
    return 'fingerprint' in model ? model.fingerprint : null;
  };
  const config = { num_hidden_layers: 2 };
  const a = await fingerprint(await saveModel('a', config));
  assert.equal(await fingerprint(await saveModel('b', config)), a);
  await utimes(join(folder, 'b', 'model.safetensors'), 1, 1);
  assert.equal(await fingerprint('b'), a);
  assert.notEqual(await fingerprint(await saveModel('c', config, 'weightz')), a);
  assert.notEqual(await fingerprint(await saveModel('d', { ...config, vocab_size: 9 })), a);
  await writeFile(join(folder, 'b', 'tokenizer.json'), '{}');
  assert.notEqual(await fingerprint('b'), a);
});

test('a change in the middle of a large file is noticed where it spans a sampled stretch', async () => {
  const bytes = Buffer.alloc(16 * 1024 * 1024);
  const file = join(folder, 'large.bin');
  await writeFile(file, bytes);
  const before = await context.fingerprints.largeFile(file);
  bytes.fill(1, 8 * 1024 * 1024, 9 * 1024 * 1024);
  await writeFile(file, bytes);
  assert.notEqual(await context.fingerprints.largeFile(file), before);
});

test('the depth of a GGUF file is in its header', async () => {
  await writeFile(join(folder, 'tiny.gguf'), ggufHeader('llama', 6));
  const found = await resolveModel({ source: 'gguf', path: 'tiny.gguf', fingerprint: null }, 'model', context);
  assert.deepEqual(found.issues, []);
  assert.equal(found.layers, 6);
  assert.equal(found.model.source === 'gguf' && found.model.path, join(folder, 'tiny.gguf'));
});

test("a hub model's depth comes from the local cache; an unknown one is a warning, not a mistake", async () => {
  const cached = join(folder, 'hub', 'models--owner--name');
  await mkdir(join(cached, 'refs'), { recursive: true });
  await mkdir(join(cached, 'snapshots', 'c0ffee'), { recursive: true });
  await writeFile(join(cached, 'refs', 'main'), 'c0ffee');
  await writeFile(join(cached, 'snapshots', 'c0ffee', 'config.json'), '{"num_hidden_layers": 28}');
  const hub = (id: string, revision: string) => resolveModel({ source: 'hf', id, revision }, 'model', context);
  assert.equal((await hub('owner/name', 'main')).layers, 28);
  assert.equal((await hub('owner/name', 'c0ffee')).layers, 28);
  const missing = await hub('owner/other', '../../main');
  assert.equal(missing.layers, null);
  assert.deepEqual(missing.issues, []);
  assert.match(missing.warnings[0] ?? '', /owner\/other/);
});

/** A GGUF file (version 3) without tensors: architecture and depth only. */
function ggufHeader(architecture: string, layers: number): Buffer {
  const text = (value: string) => Buffer.concat([uint64(value.length), Buffer.from(value)]);
  const [TYPE_UINT32, TYPE_STRING] = [4, 8];
  return Buffer.concat([
    Buffer.from('GGUF'),
    uint32(3),
    uint64(0),
    uint64(2),
    text('general.architecture'),
    uint32(TYPE_STRING),
    text(architecture),
    text(`${architecture}.block_count`),
    uint32(TYPE_UINT32),
    uint32(layers),
  ]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

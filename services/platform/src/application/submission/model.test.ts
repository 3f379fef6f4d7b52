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
import { decoder, safetensors, writeModel } from './testing/model-folder.ts';

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`;
/** Fingerprint of three files that hold `{}`; the trainer's tests have it as well. */
const TINY = 'files:fa3469133e1e2f4415ccc6aef96ebe7aa3bb37a46aee3fa17517d9d05e23c70e';

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

async function saveModel(name: string, config: object, fill = 0): Promise<string> {
  const layers = (config as { num_hidden_layers?: number }).num_hidden_layers ?? 1;
  const parts = (config as { text_config?: { num_hidden_layers: number } }).text_config?.num_hidden_layers;
  const weights = safetensors(decoder(parts ?? layers), fill);
  await writeModel(join(folder, name), config, { 'model.safetensors': weights });
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
  assert.notEqual(await fingerprint(await saveModel('c', config, 1)), a);
  assert.notEqual(await fingerprint(await saveModel('d', { ...config, rope_theta: 9 })), a);
  await writeFile(join(folder, 'b', 'chat_template.jinja'), '{{ messages }}');
  assert.notEqual(await fingerprint('b'), a);
});

test('a fingerprint is over every byte, and the trainer makes the same', async () => {
  // Above the size from which files are read in a thread of their own.
  const bytes = safetensors({ 'model.layers.0.mlp.up_proj.weight': [1024, 2560] });
  const large = await writeModel(join(folder, 'large'), { num_hidden_layers: 1 }, { 'model.safetensors': bytes });
  const before = await context.fingerprints.modelFolder(large);
  const sampled = await context.fingerprints.modelFolder(large, 'f'.repeat(64));
  bytes[5_000_001] = 1;
  await writeFile(join(large, 'model.safetensors'), bytes);
  assert.notEqual(await context.fingerprints.modelFolder(large), before);
  assert.equal(await context.fingerprints.modelFolder(large, sampled), sampled, 'that of 0.1.0 looked at samples');

  const tiny = join(folder, 'tiny');
  await mkdir(tiny);
  for (const name of ['config.json', 'tokenizer.json', 'model.safetensors']) await writeFile(join(tiny, name), '{}');
  await writeFile(join(tiny, 'pytorch_model.bin'), 'not loaded where there are safetensors');
  assert.equal(await context.fingerprints.modelFolder(tiny), TINY);
});

test('experiments that were submitted with a fingerprint of 0.1.0 keep it', async () => {
  const name = await saveModel('submitted-before', { num_hidden_layers: 2 });
  const old = await context.fingerprints.modelFolder(join(folder, name), '');
  assert.match(old, /^[0-9a-f]{64}$/);
  const resolved = (fingerprint: string) => resolveModel({ source: 'path', path: name, fingerprint }, 'model', context);
  const kept = await resolved(old);
  assert.deepEqual([kept.issues, 'fingerprint' in kept.model && kept.model.fingerprint], [[], old]);
  assert.equal((await resolved('0'.repeat(64))).issues[0]?.path, 'model.fingerprint');
  assert.equal((await resolved('files:0')).issues[0]?.path, 'model.fingerprint');
});

test('without patience a model is resolved without its fingerprint, which is there the next time', async () => {
  const name = await saveModel('slow', { num_hidden_layers: 2 });
  const model = { source: 'path', path: name, fingerprint: null } as const;
  const hasty = await resolveModel(model, 'model', {
    ...context,
    patienceMs: 0,
    fingerprints: { ...context.fingerprints, modelFolder: () => new Promise(() => {}) },
  });
  assert.deepEqual([hasty.issues, 'fingerprint' in hasty.model && hasty.model.fingerprint], [[], null]);
  assert.match(hasty.warnings[0] ?? '', /is still being read/);
  const patient = await resolveModel(model, 'model', { ...context, patienceMs: 60_000 });
  assert.match(('fingerprint' in patient.model && patient.model.fingerprint) || '', /^files:[0-9a-f]{64}$/);
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

test('a folder that is written like a hub id is not fetched from the hub', async () => {
  await saveModel(join('models', 'mine'), { num_hidden_layers: 2 });
  const hub = await resolveModel({ source: 'hf', id: 'models/mine', revision: 'main' }, 'model', context);
  assert.deepEqual(
    hub.issues.map(({ path: at, fix }) => [at, fix?.split(' for ')[0]]),
    [['model', 'write ./models/mine']],
  );
});

test('a GGUF file that is no such file is refused', async () => {
  const gguf = async (name: string, content: string | Buffer) => {
    await writeFile(join(folder, name), content);
    const { issues } = await resolveModel({ source: 'gguf', path: name, fingerprint: null }, 'model', context);
    return issues.map(({ path: at, message }) => `${at}: ${message}`).join();
  };
  assert.match(await gguf('pointer.gguf', POINTER), /^model.path: .*pointer.gguf is a Git LFS pointer/);
  assert.match(await gguf('text.gguf', 'not a model'), /is not a readable GGUF file/);
  const whole = ggufHeader('llama', 2, ['blk.0.a.weight', 'blk.1.a.weight']);
  assert.equal(await gguf('whole.gguf', Buffer.concat([whole, Buffer.alloc(4096)])), '');
  assert.match(await gguf('cut.gguf', whole), /cut.gguf is cut off: it has \d+ bytes/);
  const shallow = Buffer.concat([ggufHeader('llama', 3, ['blk.0.a.weight', 'blk.1.a.weight']), Buffer.alloc(4096)]);
  assert.match(await gguf('shallow.gguf', shallow), /says that it has 3 layers, and holds 2/);
});

/** The start of a GGUF file (version 3): architecture, depth, and tensors of 8 numbers, 64 bytes apart. */
function ggufHeader(architecture: string, layers: number, tensors: readonly string[] = []): Buffer {
  const text = (value: string) => Buffer.concat([uint64(value.length), Buffer.from(value)]);
  const [TYPE_UINT32, TYPE_STRING, F32] = [4, 8, 0];
  return Buffer.concat([
    Buffer.from('GGUF'),
    uint32(3),
    uint64(tensors.length),
    uint64(2),
    text('general.architecture'),
    uint32(TYPE_STRING),
    text(architecture),
    text(`${architecture}.block_count`),
    uint32(TYPE_UINT32),
    uint32(layers),
    ...tensors.flatMap((name, index) => [text(name), uint32(1), uint64(8), uint32(F32), uint64(64 * index)]),
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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { estimateMemory } from './estimate.ts';
import type { MemorySettings } from './settings.ts';
import { totalBytes } from './terms.ts';
import { CONFIGS, shapeOf } from './testing/configs.ts';
import { anySettings, LORA, settingsOf } from './testing/settings.ts';

const anyShape = fc.constantFrom(...CONFIGS.map(({ name }) => shapeOf(name)));
const llama = shapeOf('llama-3.2-3b');
const peak = (settings: MemorySettings, shape = llama) => estimateMemory(shape, settings).peak.processBytes;

function bytesOf(id: string, settings: MemorySettings): number {
  return estimateMemory(llama, settings).terms.find((term) => term.id === id)?.bytes ?? 0;
}

test('full bf16 training with AdamW takes eight bytes a parameter', () => {
  const { steady } = estimateMemory(llama, settingsOf({ layers: 28 }));
  assert.equal(steady.allocatedBytes, 8 * 3_212_749_824);
});

test('an fp32 adapter takes sixteen bytes a parameter', () => {
  const with32 = { ...LORA, rank: 32, targets: ['q_proj', 'v_proj'] };
  const { steady } = estimateMemory(llama, settingsOf({ layers: 28, method: 'lora', lora: with32 }));
  assert.equal(steady.allocatedBytes, 2 * 3_212_749_824 + 16 * 9_175_040);
});

test('weights by precision, by hand: 100,663,296 linear parameters a layer of Llama 3.2 3B', () => {
  const linear = 100_663_296;
  const bytes = (precision: MemorySettings['precision']) =>
    bytesOf('weights', settingsOf({ layers: 1, method: 'qlora', lora: LORA, precision }));
  assert.equal(bytes('nf4'), (linear * 4.5) / 8);
  assert.equal(bytes('nf4-dq'), Math.ceil((linear * (4 + 8 / 64 + 32 / 16_384)) / 8));
  // q, k, v, o, gate, up, down have so many rows, an fp32 scale each.
  assert.equal(bytes('int8'), linear + 4 * (3072 + 1024 + 1024 + 3072 + 8192 + 8192 + 3072));
  for (const precision of ['int8-wo', 'fp8'] as const) assert.equal(bytes(precision), bytes('int8'), precision);
  // 16 bits of scale and of offset for 64 weights; in checkpoints 16 of scale and 8 of zero for 128.
  for (const precision of ['int4-wo', 'int4-hqq'] as const)
    assert.equal(bytes(precision), (linear * 4.5) / 8, precision);
  for (const precision of ['gptq', 'awq'] as const) assert.equal(bytes(precision), (linear * 4.1875) / 8, precision);
  assert.equal(bytes('bf16'), 2 * linear);
  assert.equal(bytes('fp32'), 4 * linear);
});

test('embeddings, head and norms are never quantized; k-bit preparation makes them fp32', () => {
  const settings = settingsOf({ layers: 28, method: 'qlora', lora: LORA, precision: 'nf4' });
  const rest = 128_256 * 3072 + (2 * 28 + 1) * 3072;
  assert.equal(bytesOf('unquantized-weights', settings), 2 * rest);
  assert.equal(bytesOf('k-bit-preparation', { ...settings, kbitPreparation: true }), 2 * rest);
});

test('optimizer states, by hand', () => {
  const parameters = 3_212_749_824;
  const states = (optimizer: MemorySettings['optimizer']) =>
    bytesOf('optimizer', settingsOf({ layers: 28, optimizer }));
  assert.equal(states('adamw'), 4 * parameters);
  assert.equal(states('adamw-8bit'), 2 * parameters + (2 * 4 * parameters) / 256);
  assert.equal(states('paged-adamw-8bit'), 0);
  assert.equal(states('sgd'), 0);
});

test('full logits keep the output and three fp32 copies; fused ones next to nothing', () => {
  const settings = settingsOf({ longest: 4096, microBatch: 2, logits: 'full' });
  assert.equal(bytesOf('logits', settings), 2 * 4096 * 128_256 * (2 + 3 * 4));
  assert.ok(bytesOf('logits', { ...settings, logits: 'fused' }) < bytesOf('logits', settings) / 10);
});

test('a frozen weight needs no input, an adapter does: a fp32 copy for each', () => {
  const lora = settingsOf({ method: 'lora', lora: { ...LORA, rank: 8, targets: ['q_proj', 'v_proj'] } });
  assert.equal(bytesOf('linear-inputs', lora), 0);
  assert.equal(bytesOf('adapter-inputs', lora), 4 * 512 * 2 * 4 * (3072 + 8));
});

test('paged states, checkpoints and FSDP change where memory is, as documented', () => {
  const whole = settingsOf({ layers: 28 });
  const quarter = estimateMemory(llama, { ...whole, shards: 4 }).terms;
  const weights = quarter.find(({ id }) => id === 'optimizer')?.bytes;
  assert.equal(weights, 3_212_749_824);
  assert.ok(quarter.some(({ id }) => id === 'gathered'));
});

test('the terms add up to the peak of the process, and every one names its source', () => {
  fc.assert(
    fc.property(anyShape, anySettings, (shape, settings) => {
      const { terms, peak: total, steady } = estimateMemory(shape, settings);
      assert.equal(totalBytes(terms), total.processBytes);
      assert.equal(totalBytes(terms.filter(({ level }) => level === 'allocated')), total.allocatedBytes);
      assert.equal(new Set(terms.map(({ id }) => id)).size, terms.length);
      assert.ok(terms.every(({ source, bytes }) => source.length > 10 && Number.isInteger(bytes) && bytes > 0));
      assert.ok(total.allocatedBytes <= total.reservedBytes && total.reservedBytes <= total.processBytes);
      assert.ok(settings.mean !== null || steady.allocatedBytes <= total.allocatedBytes);
    }),
  );
});

test('more of anything never needs less', () => {
  const more: readonly ((settings: MemorySettings) => MemorySettings)[] = [
    (s) => ({ ...s, microBatch: s.microBatch + 1 }),
    (s) => ({ ...s, longest: s.longest + 64 }),
    (s) => ({ ...s, layers: s.layers + 1 }),
    (s) => ({ ...s, accumulation: s.accumulation + 1 }),
    (s) => ({ ...s, evaluationBatch: s.evaluationBatch + 1 }),
    (s) => (s.lora === null ? s : { ...s, lora: { ...s.lora, rank: s.lora.rank + 1 } }),
  ];
  fc.assert(
    fc.property(anyShape, anySettings, fc.constantFrom(...more), (shape, settings, change) => {
      assert.ok(peak(change(settings), shape) >= peak(settings, shape));
    }),
  );
});

test('checkpointing never needs more', () => {
  fc.assert(
    fc.property(anyShape, anySettings, (shape, settings) => {
      const off = peak({ ...settings, checkpointing: false }, shape);
      assert.ok(peak({ ...settings, checkpointing: true }, shape) <= off);
    }),
  );
});

test('qlora needs no more than lora, lora no more than full training', () => {
  fc.assert(
    fc.property(anyShape, anySettings, fc.integer({ min: 1, max: 64 }), (shape, given, rank) => {
      // Sequences of usual length: adapter inputs of very long ones outgrow what full training keeps.
      const common = {
        ...given,
        longest: 128,
        microBatch: 1,
        precision: 'bf16',
        computeDtype: 'bf16',
        autocast: false,
      } as const;
      const lora = { rank, targets: ['q_proj', 'v_proj'], dropout: 0, bytes: 4 } as const;
      const full = peak(
        { ...common, method: 'full', lora: null, optimizer: 'adamw', optimizerInBackward: false },
        shape,
      );
      const adapted = peak({ ...common, method: 'lora', lora, optimizer: 'adamw' }, shape);
      const quantized = (precision: MemorySettings['precision']) =>
        peak({ ...common, method: 'qlora', lora, optimizer: 'adamw', precision, layers: common.layers + 8 }, shape);
      const deeper = peak({ ...common, method: 'lora', lora, optimizer: 'adamw', layers: common.layers + 8 }, shape);
      assert.ok(adapted <= full);
      assert.ok(quantized('nf4') <= deeper);
      assert.ok(quantized('nf4-dq') <= quantized('nf4'));
      assert.ok(quantized('nf4') <= quantized('int8'));
    }),
  );
});

test('a tied embedding has one gradient more while both are added up, and so has each with accumulation', () => {
  const embedding = 2 * 128_256 * 3072;
  const full = settingsOf({ layers: 2, longest: 8, microBatch: 1 });
  const { moment, peak: tied } = estimateMemory(llama, full);
  assert.equal(moment, 'embedding');
  const parameters = 100_663_296 * 2 + 2 * 2 * 3072 + 3072 + 128_256 * 3072;
  assert.equal(tied.allocatedBytes, 8 * parameters + embedding);
  const untied = { ...llama, tied: false };
  assert.notEqual(estimateMemory(untied, full).moment, 'embedding');
  const accumulated = estimateMemory(untied, { ...full, accumulation: 2 }).peak.allocatedBytes;
  const more = accumulated - 8 * (parameters + 128_256 * 3072);
  assert.ok(more >= embedding && more < 1.02 * embedding, String(more));
});

test('FSDP gathers packed weights packed, and its first generation keeps two states of each layer of adapters', () => {
  const common = { layers: 28, method: 'qlora', lora: LORA, longest: 2048, checkpointing: true, shards: 2 } as const;
  const id = (name: string, changes: Partial<MemorySettings>) => bytesOf(name, settingsOf({ ...common, ...changes }));
  assert.ok(id('gathered', { precision: 'nf4' }) < 0.8 * id('gathered', { precision: 'bf16', method: 'lora' }));
  assert.equal(id('sharded-adapters', { precision: 'nf4', sharding: 'fsdp1' }), 2048 * 55 * 2 * 3072);
  assert.equal(id('sharded-adapters', { precision: 'nf4' }), 0);
});

test('the cap of Gemma 2 adds one copy of the logits', () => {
  const gemma = shapeOf('gemma-2-2b');
  const settings = settingsOf({ layers: 26, logits: 'full', longest: 1024, method: 'lora', lora: LORA });
  const capped = estimateMemory(gemma, settings).peak.allocatedBytes;
  const plain = estimateMemory({ ...gemma, softcap: false }, settings).peak.allocatedBytes;
  assert.equal(capped - plain, 2 * 1024 * 256_000);
});

test('a vision tower adds its weights, and no gradient', () => {
  const settings = settingsOf({ layers: 28 });
  const seeing = estimateMemory({ ...llama, tower: 1000 }, settings).peak.allocatedBytes;
  assert.equal(seeing - estimateMemory(llama, settings).peak.allocatedBytes, 2000);
});

test('temporaries of the optimizer do not fit what the backward pass freed', () => {
  const pool = (foreach: boolean) => bytesOf('fragmentation', settingsOf({ layers: 28, longest: 4096, foreach }));
  assert.ok(pool(true) > pool(false) + 2 ** 30);
});

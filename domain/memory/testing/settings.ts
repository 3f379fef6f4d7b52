/** Settings for tests, and arbitrary ones for properties. */
import fc from 'fast-check';
import { ATTENTIONS, LOGITS } from '../../vocabulary/memory.ts';
import { type MemorySettings } from '../settings.ts';

export const LORA = { rank: 16, targets: 'all-linear', dropout: 0, bytes: 4 } as const;

export function settingsOf(changes: Partial<MemorySettings> = {}): MemorySettings {
  return {
    layers: 4,
    precision: 'bf16',
    computeDtype: 'bf16',
    autocast: false,
    method: 'full',
    lora: null,
    optimizer: 'adamw',
    optimizerInBackward: false,
    foreach: false,
    microBatch: 1,
    accumulation: 1,
    longest: 512,
    mean: null,
    checkpointing: false,
    activationOffload: false,
    attention: 'sdpa',
    attentionMask: false,
    logits: 'fused',
    compile: false,
    kbitPreparation: false,
    evaluationBatch: 0,
    shards: 1,
    sharding: 'fsdp2',
    ...changes,
  };
}

const numerics = fc.constantFrom(
  { method: 'full', precision: 'bf16', computeDtype: 'bf16', autocast: false },
  { method: 'full', precision: 'fp32', computeDtype: 'fp32', autocast: false },
  { method: 'full', precision: 'fp32', computeDtype: 'bf16', autocast: true },
  { method: 'lora', precision: 'fp16', computeDtype: 'fp16', autocast: true },
  { method: 'lora', precision: 'bf16', computeDtype: 'bf16', autocast: false },
  { method: 'qlora', precision: 'int8', computeDtype: 'bf16', autocast: false },
  { method: 'qlora', precision: 'int8-wo', computeDtype: 'bf16', autocast: false },
  { method: 'qlora', precision: 'int4-hqq', computeDtype: 'fp16', autocast: true },
  { method: 'qlora', precision: 'nf4', computeDtype: 'fp16', autocast: true },
  { method: 'qlora', precision: 'nf4-dq', computeDtype: 'bf16', autocast: false },
) as fc.Arbitrary<Pick<MemorySettings, 'method' | 'precision' | 'computeDtype' | 'autocast'>>;

/** Any sensible run on one GPU. */
export const anySettings: fc.Arbitrary<MemorySettings> = fc
  .record({
    numerics,
    layers: fc.integer({ min: 1, max: 32 }),
    rank: fc.integer({ min: 1, max: 128 }),
    dropout: fc.constantFrom(0, 0.1),
    bytes: fc.constantFrom(2 as const, 4 as const),
    optimizer: fc.constantFrom('adamw', 'adamw-8bit', 'paged-adamw-8bit', 'sgd' as const),
    optimizerInBackward: fc.boolean(),
    foreach: fc.boolean(),
    microBatch: fc.integer({ min: 1, max: 16 }),
    accumulation: fc.integer({ min: 1, max: 4 }),
    longest: fc.integer({ min: 2, max: 8192 }),
    checkpointing: fc.boolean(),
    attention: fc.constantFrom(...ATTENTIONS),
    attentionMask: fc.boolean(),
    logits: fc.constantFrom(...LOGITS),
    compile: fc.boolean(),
    evaluationBatch: fc.integer({ min: 0, max: 8 }),
  })
  .map(({ numerics: { method, ...rest }, rank, dropout, bytes, ...others }) =>
    settingsOf({
      ...others,
      ...rest,
      method,
      lora: method === 'full' ? null : { rank, targets: 'all-linear', dropout, bytes },
    } as Partial<MemorySettings>),
  );

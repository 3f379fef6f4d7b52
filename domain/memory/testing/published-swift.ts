/** ms-swift's examples: memory that a comment of each script names, in whole GiB, its counter not stated. */
import type { MemorySettings } from '../settings.ts';
import { type MODELS, type Publication, rows } from './publication.ts';

const SOURCE = 'modelscope/ms-swift, comments of its example scripts (GiB as printed)';
const GIB = 2 ** 30;
const LORA = { rank: 8, targets: 'all-linear', dropout: 0.05, bytes: 4 } as const;
const PADDED = { longest: 2048, accumulation: 16, attentionMask: true } as const;
const PACKED = { attention: 'flash', attentionMask: false } as const;
const LONGEST = 'the longest sequence has the maximal length; the counter is nvidia-smi';

function script(
  id: string,
  model: keyof typeof MODELS,
  measuredGib: number,
  settings: Partial<MemorySettings>,
  assumed: string = LONGEST,
): readonly Publication[] {
  const shared = { method: 'lora', lora: LORA, checkpointing: true, autocast: true, sharding: 'fsdp1' } as const;
  return rows(SOURCE, model, shared, [
    { id: `swift-${id}`, measuredBytes: measuredGib * GIB, counter: 'process', when: 'peak', settings, assumed },
  ]);
}

const FULL = { method: 'full', lora: null, foreach: true } as const;

export const SWIFT: readonly Publication[] = [
  ...script('7b-lora-packed', 'Qwen/Qwen2.5-7B', 22, { ...PACKED, longest: 2048, mean: 2048, accumulation: 4 }),
  ...script('7b-lora', 'Qwen/Qwen2.5-7B', 22, PADDED),
  ...script('7b-full', 'Qwen/Qwen2.5-7B', 76, { ...PADDED, ...FULL }),
  ...script('7b-bnb', 'Qwen/Qwen2.5-7B', 10, { ...PADDED, method: 'qlora', precision: 'nf4-dq' }),
  ...script('7b-awq', 'Qwen/Qwen2.5-7B', 10, { ...PADDED, method: 'qlora', precision: 'awq' }),
  ...script('qwen3-4b-lora', 'Qwen/Qwen3-4B', 13, PADDED),
  ...script('qwen3-8b-lora', 'Qwen/Qwen3-8B', 22, PADDED),
  ...script('qwen3-8b-liger', 'Qwen/Qwen3-8B', 18, { ...PADDED, logits: 'fused' }),
  ...script('3b-full-liger-8k', 'Qwen/Qwen2.5-3B', 35, {
    ...PACKED,
    ...FULL,
    longest: 8192,
    mean: 8192,
    accumulation: 8,
    logits: 'fused',
  }),
  ...script(
    '7b-fsdp2-lora',
    'Qwen/Qwen2.5-7B',
    14.7,
    { ...PADDED, longest: 128, accumulation: 8, checkpointing: false, shards: 2 },
    'about 100 tokens in a sequence',
  ),
];

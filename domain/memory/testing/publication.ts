/** What a published measurement says, and the models that such measurements are of. */
import type { MemorySettings } from '../settings.ts';
import type { ModelShape } from '../shape.ts';
import { readShape } from '../shape.ts';

/** Which counter a source read; sources that do not say are held against the process's peak. */
export type Counter = 'allocated' | 'reserved' | 'process';

export interface Publication {
  readonly id: string;
  readonly source: string;
  readonly model: keyof typeof MODELS;
  readonly measuredBytes: number;
  readonly counter: Counter;
  readonly when: 'peak' | 'steady';
  readonly settings: MemorySettings;
  /** What the source leaves open and was filled in. */
  readonly assumed: string | null;
  /** Why the row is shown and not counted; null where it is counted. */
  readonly notJudged: string | null;
}

export const MODELS = {
  'meta-llama/Llama-3.2-3B': llama({
    hidden_size: 3072,
    num_hidden_layers: 28,
    vocab_size: 128256,
    num_attention_heads: 24,
    num_key_value_heads: 8,
    intermediate_size: 8192,
    tie_word_embeddings: true,
  }),
  'meta-llama/Llama-3.1-8B': llama({
    hidden_size: 4096,
    num_hidden_layers: 32,
    vocab_size: 128256,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14336,
    tie_word_embeddings: false,
  }),
  'meta-llama/Llama-3.1-70B': llama({
    hidden_size: 8192,
    num_hidden_layers: 80,
    vocab_size: 128256,
    num_attention_heads: 64,
    num_key_value_heads: 8,
    intermediate_size: 28672,
    tie_word_embeddings: false,
  }),
  'mistralai/Mistral-7B': read({
    model_type: 'mistral',
    hidden_size: 4096,
    num_hidden_layers: 32,
    vocab_size: 32000,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14336,
  }),
  'Qwen/Qwen2.5-7B': read({
    model_type: 'qwen2',
    hidden_size: 3584,
    num_hidden_layers: 28,
    vocab_size: 152064,
    num_attention_heads: 28,
    num_key_value_heads: 4,
    intermediate_size: 18944,
  }),
  'Qwen/Qwen2.5-3B': read({
    model_type: 'qwen2',
    hidden_size: 2048,
    num_hidden_layers: 36,
    vocab_size: 151936,
    num_attention_heads: 16,
    num_key_value_heads: 2,
    intermediate_size: 11008,
    tie_word_embeddings: true,
  }),
  'Qwen/Qwen3-4B': read({
    model_type: 'qwen3',
    hidden_size: 2560,
    num_hidden_layers: 36,
    vocab_size: 151936,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 9728,
    tie_word_embeddings: true,
  }),
  'Qwen/Qwen3-8B': read({
    model_type: 'qwen3',
    hidden_size: 4096,
    num_hidden_layers: 36,
    vocab_size: 151936,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 12288,
  }),
  'meta-llama/Llama-2-7b': llama({
    hidden_size: 4096,
    num_hidden_layers: 32,
    vocab_size: 32000,
    num_attention_heads: 32,
    num_key_value_heads: 32,
    intermediate_size: 11008,
    tie_word_embeddings: false,
  }),
};

function llama(config: object): ModelShape {
  return read({ model_type: 'llama', head_dim: 128, ...config });
}

function read(config: object): ModelShape {
  const reading = readShape(config);
  if (!reading.ok) throw new Error(reading.message);
  return reading.shape;
}

const PLAIN: Omit<MemorySettings, 'layers'> = {
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
  attentionMask: true,
  logits: 'full',
  compile: false,
  kbitPreparation: false,
  evaluationBatch: 0,
  shards: 1,
  sharding: 'fsdp2',
};

export const QV = ['q_proj', 'v_proj'] as const;
export const ATTENTION = ['q_proj', 'k_proj', 'v_proj', 'o_proj'] as const;

export type Row = Omit<Publication, 'settings' | 'source' | 'model' | 'assumed' | 'notJudged'> & {
  readonly settings: Partial<MemorySettings>;
  readonly assumed?: string;
  readonly notJudged?: string;
};

export function rows(
  source: string,
  model: keyof typeof MODELS,
  shared: Partial<MemorySettings>,
  given: readonly Row[],
): readonly Publication[] {
  return given.map(({ settings, assumed = null, notJudged = null, ...row }) => ({
    ...row,
    source,
    model,
    assumed,
    notJudged,
    settings: { ...PLAIN, layers: MODELS[model].layers, ...shared, ...settings },
  }));
}

export function adapters(
  rank: number,
  targets: 'all-linear' | readonly string[],
  bytes: 2 | 4,
): Partial<MemorySettings> {
  return { method: 'lora', lora: { rank, targets, dropout: 0, bytes } };
}

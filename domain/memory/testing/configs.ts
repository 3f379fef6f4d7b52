/**
 * Configurations as published, and what transformers 5.24, peft 0.21 and autograd said of them: parameters and those of
 * LoRA of rank 8 on all linear layers (models on torch's meta device), and the bytes that autograd saved for one token
 * in one more layer (bf16 on a CPU, 64 tokens, sdpa without a mask, eager for Gemma 2; `saved_tensors_hooks`).
 */
import { type ModelShape, readShape } from '../shape.ts';

export const CONFIGS = [
  {
    name: 'llama-3.2-3b',
    config: {
      model_type: 'llama',
      hidden_size: 3072,
      num_hidden_layers: 28,
      vocab_size: 128256,
      num_attention_heads: 24,
      num_key_value_heads: 8,
      head_dim: 128,
      intermediate_size: 8192,
      tie_word_embeddings: true,
    },
    parameters: 3_212_749_824,
    adapters: 12_156_928,
    saved: { full: 131_176, lora: 196_936 },
  },
  {
    name: 'llama-3-8b',
    config: {
      model_type: 'llama',
      hidden_size: 4096,
      num_hidden_layers: 32,
      vocab_size: 128256,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      intermediate_size: 14336,
    },
    parameters: 8_030_261_248,
    adapters: 20_971_520,
    saved: { full: 200_840, lora: 295_272 },
  },
  {
    name: 'mistral-7b',
    config: {
      model_type: 'mistral',
      hidden_size: 4096,
      num_hidden_layers: 32,
      vocab_size: 32000,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      intermediate_size: 14336,
    },
    parameters: 7_241_732_096,
    adapters: 20_971_520,
    saved: { full: 200_840, lora: 295_272 },
  },
  {
    name: 'qwen2.5-0.5b',
    config: {
      model_type: 'qwen2',
      hidden_size: 896,
      num_hidden_layers: 24,
      vocab_size: 151936,
      num_attention_heads: 14,
      num_key_value_heads: 2,
      intermediate_size: 4864,
      tie_word_embeddings: true,
    },
    parameters: 494_032_768,
    adapters: 4_399_104,
    saved: { full: 57_408, lora: 81_696 },
  },
  {
    name: 'qwen2.5-7b',
    config: {
      model_type: 'qwen2',
      hidden_size: 3584,
      num_hidden_layers: 28,
      vocab_size: 152064,
      num_attention_heads: 28,
      num_key_value_heads: 4,
      intermediate_size: 18944,
      tie_word_embeddings: false,
    },
    parameters: 7_615_616_512,
    adapters: 20_185_088,
    saved: { full: 225_400, lora: 320_856 },
  },
  {
    name: 'qwen3-4b',
    config: {
      model_type: 'qwen3',
      hidden_size: 2560,
      num_hidden_layers: 36,
      vocab_size: 151936,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      head_dim: 128,
      intermediate_size: 9728,
      tie_word_embeddings: true,
    },
    parameters: 4_022_468_096,
    adapters: 16_515_072,
    saved: { full: 170_280, lora: 226_824 },
  },
  {
    name: 'gemma-2b',
    config: {
      model_type: 'gemma',
      hidden_size: 2048,
      num_hidden_layers: 18,
      vocab_size: 256000,
      num_attention_heads: 8,
      num_key_value_heads: 1,
      head_dim: 256,
      intermediate_size: 16384,
    },
    parameters: 2_506_172_416,
    adapters: 9_805_824,
    saved: { full: 181_544, lora: 239_112 },
  },
  {
    name: 'gemma-2-2b',
    config: {
      model_type: 'gemma2',
      hidden_size: 2304,
      num_hidden_layers: 26,
      vocab_size: 256000,
      num_attention_heads: 8,
      num_key_value_heads: 4,
      head_dim: 256,
      intermediate_size: 9216,
      final_logit_softcapping: 30.0,
    },
    parameters: 2_614_341_888,
    adapters: 10_383_360,
    saved: { full: 177_744, lora: 200_496 },
  },
  {
    name: 'gemma-3-270m',
    config: {
      model_type: 'gemma3_text',
      hidden_size: 640,
      num_hidden_layers: 18,
      vocab_size: 262144,
      num_attention_heads: 4,
      num_key_value_heads: 1,
      head_dim: 256,
      intermediate_size: 2048,
    },
    parameters: 268_098_176,
    adapters: 1_898_496,
    saved: { full: 55_028, lora: 58_324 },
  },
  {
    name: 'phi-2',
    config: {
      model_type: 'phi',
      hidden_size: 2560,
      num_hidden_layers: 32,
      vocab_size: 51200,
      num_attention_heads: 32,
      num_key_value_heads: 32,
      intermediate_size: 10240,
      tie_word_embeddings: false,
    },
    parameters: 2_779_683_840,
    adapters: 11_796_480,
    saved: { full: 138_372, lora: 200_004 },
  },
  {
    name: 'phi-3-mini',
    config: {
      model_type: 'phi3',
      hidden_size: 3072,
      num_hidden_layers: 32,
      vocab_size: 32064,
      num_attention_heads: 32,
      num_key_value_heads: 32,
      intermediate_size: 8192,
      tie_word_embeddings: false,
    },
    parameters: 3_821_079_552,
    adapters: 12_582_912,
    saved: { full: 157_832, lora: 180_488 },
  },
] as const;
export type ConfigName = (typeof CONFIGS)[number]['name'];

export function shapeOf(name: ConfigName): ModelShape {
  const read = readShape(CONFIGS.find((config) => config.name === name)?.config);
  if (!read.ok) throw new Error(read.message);
  return read.shape;
}

/** A model's shape from the header of a GGUF file: the trainer turns its weights into those of the same model. */
import { type ModelShape, readShape } from './shape.ts';

/** llama.cpp's architectures by the families of transformers; Mistral's files say llama. */
const FAMILY_OF: Readonly<Record<string, string>> = {
  llama: 'llama',
  qwen2: 'qwen2',
  qwen3: 'qwen3',
  gemma: 'gemma',
  gemma2: 'gemma2',
  gemma3: 'gemma3_text',
  phi2: 'phi',
  phi3: 'phi3',
};

/** Null where the architecture is not known, or has experts. `tensors`: the names in the file. */
export function ggufShape(fields: ReadonlyMap<string, unknown>, tensors: readonly string[]): ModelShape | null {
  const architecture = String(fields.get('general.architecture'));
  const model_type = FAMILY_OF[architecture];
  const number = (key: string) => whole(fields.get(`${architecture}.${key}`));
  if (model_type === undefined || (number('expert_count') ?? 0) > 0) return null;
  const tokens = fields.get('tokenizer.ggml.tokens');
  const softcap = fields.get(`${architecture}.final_logit_softcapping`);
  const read = readShape({
    model_type,
    hidden_size: number('embedding_length'),
    intermediate_size: number('feed_forward_length'),
    num_hidden_layers: number('block_count'),
    num_attention_heads: number('attention.head_count'),
    num_key_value_heads: number('attention.head_count_kv'),
    head_dim: number('attention.key_length'),
    vocab_size: number('vocab_size') ?? (Array.isArray(tokens) ? tokens.length : null),
    tie_word_embeddings: !tensors.includes('output.weight'),
    final_logit_softcapping: typeof softcap === 'number' ? softcap : null,
  });
  return read.ok ? read.shape : null;
}

/** Lists are values that differ from layer to layer: no family that is known here has them. */
function whole(value: unknown): number | null {
  const number = typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number > 0 ? number : null;
}

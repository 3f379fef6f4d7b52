/** What of a model's `config.json` decides its memory. Tensors follow transformers 5 (`modeling_<family>.py`). */

export const FAMILIES = ['llama', 'mistral', 'qwen2', 'qwen3', 'gemma', 'gemma2', 'gemma3', 'phi', 'phi3'] as const;
export type Family = (typeof FAMILIES)[number];

export interface ModelShape {
  readonly family: Family;
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly vocabulary: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** The head is the embedding's matrix. */
  readonly tied: boolean;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  /** Logits go through tanh before the loss (Gemma 2). */
  readonly softcap: boolean;
  /** Parameters besides the text decoder, which are loaded and, as no image is read, never trained. */
  readonly tower: number;
}

export type ShapeReading =
  | { readonly ok: true; readonly shape: ModelShape }
  | { readonly ok: false; readonly message: string };

type Config = Readonly<Record<string, unknown>>;

/** transformers leaves out of config.json what equals the defaults of its configuration class: these are they. */
const DEFAULTS: Readonly<Record<Family, Config>> = {
  llama: {},
  mistral: { num_key_value_heads: 8 },
  qwen2: {},
  qwen3: { head_dim: 128 },
  gemma: { head_dim: 256, tie_word_embeddings: true },
  gemma2: {
    head_dim: 256,
    tie_word_embeddings: true,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    vocab_size: 256000,
  },
  gemma3: {
    head_dim: 256,
    tie_word_embeddings: true,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    vocab_size: 262208,
  },
  phi: {},
  phi3: {},
};

const FAMILY_OF: Readonly<Record<string, Family>> = { gemma3_text: 'gemma3' };

/** Reads a config.json. Of models with several parts it is the text decoder, and how large the rest is. */
export function readShape(config: unknown): ShapeReading {
  if (!isRecord(config)) return { ok: false, message: 'is not a JSON object' };
  const text = isRecord(config['text_config']) ? config['text_config'] : null;
  const given = text === null ? config : { ...config, ...text };
  const type = String(given['model_type'] ?? '');
  const family = FAMILY_OF[type] ?? FAMILIES.find((name) => name === type);
  if (family === undefined)
    return { ok: false, message: `describes a model of type '${type}'; known are ${FAMILIES.join(', ')}` };
  const read = { ...DEFAULTS[family], ...withoutNull(given) };
  const missing = ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads', 'vocab_size'].filter(
    (key) => whole(read[key]) === null,
  );
  if (missing.length > 0) return { ok: false, message: `lacks a usable ${missing.join(', ')}` };
  const number = (key: string, otherwise = 0) => whole(read[key]) ?? otherwise;
  const heads = number('num_attention_heads');
  const shape: ModelShape = {
    family,
    layers: number('num_hidden_layers'),
    hidden: number('hidden_size'),
    intermediate: number('intermediate_size'),
    vocabulary: number('vocab_size'),
    heads,
    keyValueHeads: number('num_key_value_heads', heads),
    headDim: number('head_dim', Math.floor(number('hidden_size') / heads)),
    tied: read['tie_word_embeddings'] === true,
    attentionBias: family === 'qwen2' || family === 'phi' || read['attention_bias'] === true,
    mlpBias: family === 'phi' || read['mlp_bias'] === true,
    softcap: typeof read['final_logit_softcapping'] === 'number',
    tower:
      text !== null && isRecord(config['vision_config'])
        ? towerParameters(config['vision_config'], number('hidden_size'))
        : 0,
  };
  return { ok: true, shape };
}

/** Of SigLIP (`modeling_siglip.py`), with the defaults of its configuration, and of Gemma 3's projection into `hidden`. */
function towerParameters(vision: Config, hidden: number): number {
  const number = (key: string, otherwise: number) => whole(vision[key]) ?? otherwise;
  const width = number('hidden_size', 768);
  const inner = number('intermediate_size', 3072);
  const patch = number('patch_size', 16);
  const positions = Math.floor(number('image_size', 224) / patch) ** 2;
  const norm = 2 * width;
  const attention = 4 * (width * width + width);
  const mlp = 2 * width * inner + inner + width;
  const embeddings = 3 * patch * patch * width + width + positions * width;
  const layers = number('num_hidden_layers', 12) * (attention + mlp + 2 * norm);
  const pooling = vision['vision_use_head'] === false ? 0 : width + attention + norm + mlp;
  return embeddings + layers + norm + pooling + width * hidden + width;
}

function isRecord(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withoutNull(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
}

/** Larger sizes are no model's. */
const LARGEST = 1e7;

function whole(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= LARGEST ? value : null;
}

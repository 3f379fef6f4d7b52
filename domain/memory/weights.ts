/** Memory of base weights, adapters, gradients and optimizer states. */
import { isQuantized, type Precision, precisionFacts } from '../vocabulary/precisions.ts';
import { adapterParameters, countParameters, decoderLinears, sum } from './parameters.ts';
import type { MemorySettings } from './settings.ts';
import { gathersCast, storedBytes } from './settings.ts';
import type { ModelShape } from './shape.ts';
import { type Term, term } from './terms.ts';

/** Bytes of the decoder's linear weights as stored, with what their rows and groups keep. */
export function linearWeightBytes(shape: ModelShape, precision: Precision, layers: number): number {
  const { bits, rowBits } = precisionFacts(precision);
  const { linear } = countParameters(shape, layers);
  const rows = layers * sum(decoderLinears(shape).map(({ outputs }) => outputs));
  return (linear * bits + rows * rowBits) / 8;
}

const SOURCES = {
  PyTorch: '',
  bitsandbytes:
    'bitsandbytes: 4 + 32/64 bits, or 4 + 8/64 + 32/16384 with double quantization; int8 with fp32 row scales',
  torchao: 'torchao: 4 + 32/64 bits; 8 bits with fp32 row scales',
  checkpoint: 'GPTQ and AWQ checkpoints with groups of 128: 4 + 24/128 bits',
} as const;

export function weightTerms(shape: ModelShape, settings: MemorySettings): readonly Term[] {
  const { precision, layers, shards } = settings;
  const counts = countParameters(shape, layers);
  const rest = counts.total - counts.linear;
  const quantized = isQuantized(precision);
  const source = quantized ? SOURCES[precisionFacts(precision).library] : 'parameters × bytes of the stored dtype';
  return [
    term('weights', 'base weights', linearWeightBytes(shape, precision, layers) / shards, source, { steady: true }),
    term(
      'unquantized-weights',
      'embeddings, head, norms and biases',
      (rest * storedBytes(precision)) / shards,
      'parameters × bytes of the stored dtype; never quantized',
      { steady: true },
    ),
    term(
      'vision-tower',
      'vision tower, never trained on text',
      (shape.tower * storedBytes(precision)) / shards,
      'transformers modeling_siglip.py: parameters × bytes of the stored dtype',
      { steady: true },
    ),
    term(
      'k-bit-preparation',
      'what is not quantized, in fp32',
      settings.kbitPreparation && quantized ? (rest * 2) / shards : 0,
      'peft prepare_model_for_kbit_training: 16-bit parameters become fp32',
      { steady: true },
    ),
    term(
      'autocast-weights',
      '16-bit copies of fp32 weights',
      settings.autocast && storedBytes(precision) === 4 && !quantized && !gathersCast(settings)
        ? castParameters(shape, settings) * 2
        : 0,
      'torch.autocast: weights are cast once for each forward pass and kept for the backward pass',
    ),
  ];
}

/** Weights whose 16-bit copies are alive at once: all, or one layer's where layers are recomputed; and the head. */
function castParameters(shape: ModelShape, { layers, checkpointing, logits }: MemorySettings): number {
  const { linear, embedding } = countParameters(shape, layers);
  return linear / (checkpointing ? layers : 1) + (logits === 'fused' ? 0 : embedding);
}

/** What is trained: how many parameters, and the bytes of one. */
export function trainable(shape: ModelShape, settings: MemorySettings): { parameters: number; bytes: 2 | 4 } {
  if (settings.method === 'full')
    return {
      parameters: countParameters(shape, settings.layers).total,
      bytes: settings.masterWeights === true ? 4 : storedBytes(settings.precision),
    };
  const { lora } = settings;
  if (lora === null) return { parameters: 0, bytes: 4 };
  return { parameters: adapterParameters(shape, lora.rank, lora.targets, settings.layers), bytes: lora.bytes };
}

export function adapterTerm(shape: ModelShape, settings: MemorySettings): Term {
  const { parameters, bytes } = trainable(shape, settings);
  return term(
    'adapters',
    'adapter weights',
    settings.method === 'full' ? 0 : (parameters * bytes) / settings.shards,
    'LoRA, arXiv 2106.09685: rank × (inputs + outputs); PEFT keeps them in fp32',
    { steady: true },
  );
}

export function masterTerm(shape: ModelShape, settings: MemorySettings): Term {
  const { parameters } = trainable(shape, settings);
  return term(
    'master-weights',
    'fp32 weights that updates are added to',
    settings.masterWeights === true ? (parameters * 4) / settings.shards : 0,
    'mixed precision training, arXiv 1710.03740, section 3.1: an fp32 copy of 16-bit weights',
    { steady: true },
  );
}

/** Gradients have the dtype of what they belong to. */
export function gradientBytes(shape: ModelShape, settings: MemorySettings): number {
  const { parameters, bytes } = trainable(shape, settings);
  return (parameters * bytes) / settings.shards;
}

export function gradientTerm(bytes: number): Term {
  return term('gradients', 'gradients', bytes, 'torch.autograd: trained parameters × bytes of their dtype', {
    steady: true,
  });
}

/** The largest gradient that exists while parameters are updated in the backward pass: that of the embedding. */
export function largestGradientBytes(shape: ModelShape, settings: MemorySettings): number {
  const { bytes } = trainable(shape, settings);
  if (settings.method !== 'full') return 0;
  const { embedding, largestLinear } = countParameters(shape, settings.layers);
  return (Math.max(embedding, largestLinear) * bytes) / settings.shards;
}

/** Blocks of the 8-bit states share an fp32 constant (bitsandbytes `AdamW8bit`, arXiv 2110.02861). */
const STATE_BLOCK = 256;

/** Bytes of optimizer state for one trained parameter. torch.optim.AdamW keeps both moments in the parameter's dtype. */
export function stateBytes(optimizer: MemorySettings['optimizer'], bytes: 2 | 4): number {
  switch (optimizer) {
    case 'adamw':
      return 2 * bytes;
    case 'adamw-8bit':
      return 2 * (1 + 4 / STATE_BLOCK);
    default:
      return 0;
  }
}

export function optimizerTerm(shape: ModelShape, settings: MemorySettings): Term {
  const { parameters, bytes } = trainable(shape, settings);
  return term(
    'optimizer',
    'optimizer states',
    (parameters * stateBytes(settings.optimizer, bytes)) / settings.shards,
    'AdamW: two moments in the parameter’s dtype; 8-bit: two bytes and 2 × 4/256; paged: in host memory; SGD without momentum: none',
    { steady: true },
  );
}

/** `foreach` AdamW makes the denominators of all parameters at once. */
export function stepTemporaryTerm(shape: ModelShape, settings: MemorySettings): Term {
  const { parameters, bytes } = trainable(shape, settings);
  const used = settings.foreach && settings.optimizer === 'adamw' && !settings.optimizerInBackward;
  return term(
    'step-temporaries',
    'temporaries of the optimizer step',
    used ? (parameters * bytes) / settings.shards : 0,
    'torch.optim.AdamW(foreach=True): √v of all parameters; the fused kernel has none',
  );
}

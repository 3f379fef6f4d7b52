/** Everything that decides what a training run keeps on a device. */
import type { ATTENTIONS, LOGITS, MEMORY_OPTIMIZERS } from '../vocabulary/memory.ts';
import { type Precision, precisionFacts } from '../vocabulary/precisions.ts';

export interface MemorySettings {
  /** Decoder layers that are kept. */
  readonly layers: number;
  readonly precision: Precision;
  /** What products are computed in. */
  readonly computeDtype: 'fp32' | 'bf16' | 'fp16';
  /** Autocast: weights and the residual stream stay as stored, products are computed in 16 bits. */
  readonly autocast: boolean;
  readonly method: 'full' | 'lora' | 'qlora';
  readonly lora: {
    readonly rank: number;
    readonly targets: 'all-linear' | readonly string[];
    readonly dropout: number;
    /** Bytes of one adapter parameter: 4, as PEFT keeps them, or 2. */
    readonly bytes: 2 | 4;
  } | null;
  readonly optimizer: (typeof MEMORY_OPTIMIZERS)[number];
  /** Full training keeps fp32 weights, gradients and states next to 16-bit weights. */
  readonly masterWeights?: boolean;
  /** Parameters are updated as their gradients appear, which are then freed. */
  readonly optimizerInBackward: boolean;
  /** All parameters in one call that keeps temporaries of the size of a state (AdamW `foreach`). */
  readonly foreach: boolean;
  /** Sequences per forward pass. */
  readonly microBatch: number;
  readonly accumulation: number;
  /** Tokens of the longest sequence that a batch is padded to. */
  readonly longest: number;
  /** Mean tokens of a sequence; null where that is not known. */
  readonly mean: number | null;
  readonly checkpointing: boolean;
  readonly activationOffload: boolean;
  readonly attention: (typeof ATTENTIONS)[number];
  /** A mask for padding: without one, sdpa and flash share keys and values between the heads of a group. */
  readonly attentionMask: boolean;
  readonly logits: (typeof LOGITS)[number];
  /** `torch.compile`: elementwise chains are fused, and recomputed in the backward pass. */
  readonly compile: boolean;
  /** peft's `prepare_model_for_kbit_training`: what is not quantized becomes fp32. */
  readonly kbitPreparation: boolean;
  /** Sequences per forward pass of the evaluation; 0: none. */
  readonly evaluationBatch: number;
  /** GPUs that weights, gradients and states are divided over (FSDP). */
  readonly shards: number;
  /** fsdp1: accelerate's, which gathers weights in the compute dtype; fsdp2: as they are stored. */
  readonly sharding: 'fsdp1' | 'fsdp2';
}

/** Bytes of one element of an unquantized weight. */
export function storedBytes(precision: Precision): 2 | 4 {
  return precisionFacts(precision).dtype === 'fp32' ? 4 : 2;
}

/** Bytes of one element of a product. */
export function computeBytes({ computeDtype, kbitPreparation, autocast }: MemorySettings): 2 | 4 {
  // bitsandbytes answers in the dtype of its input, which an fp32 norm makes fp32.
  if (kbitPreparation && !autocast) return 4;
  return computeDtype === 'fp32' ? 4 : 2;
}

/** Bytes of one element of the residual stream. */
export function residualBytes(settings: MemorySettings): 2 | 4 {
  if (settings.kbitPreparation) return 4;
  if (gathersCast(settings)) return computeBytes(settings);
  return settings.autocast ? storedBytes(settings.precision) : computeBytes(settings);
}

/** Whether layers see weights in the compute dtype: then neither the residual stream nor autocast's copies are wider. */
export function gathersCast({ shards, sharding, autocast }: MemorySettings): boolean {
  return shards > 1 && sharding === 'fsdp1' && autocast;
}

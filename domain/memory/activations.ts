/** What the forward pass keeps for the backward pass, token by token. */
import { adaptedLinears, type Linear, sum } from './parameters.ts';
import { computeBytes, type MemorySettings, residualBytes } from './settings.ts';
import type { ModelShape } from './shape.ts';

/** Bytes that one token keeps in one decoder layer without checkpointing, by what keeps them. */
export interface LayerActivations {
  /** Inputs of the norms; transformers' RMSNorm computes in fp32 and keeps that copy. */
  readonly norms: number;
  /** Queries, keys, values, the output and, with eager attention, the scores. */
  readonly attention: number;
  readonly mlp: number;
  /** Inputs of weights that are trained. */
  readonly linearInputs: number;
  /** Inputs of adapters in their own dtype, dropout masks, and the rank-wide products. */
  readonly adapterInputs: number;
}

const FP32 = 4;

/**
 * Saved tensors of one decoder layer, read from transformers' modeling files and PEFT's layers: a linear layer keeps
 * its input only where its weight is trained; silu keeps its input, the product with `up` keeps both factors.
 */
export function layerActivations(shape: ModelShape, settings: MemorySettings): LayerActivations {
  return {
    norms: normBytes(shape, settings),
    attention: attentionBytes(shape, settings),
    mlp: mlpBytes(shape, settings),
    linearInputs: linearInputBytes(shape, settings),
    adapterInputs: adapterInputBytes(shape, settings),
  };
}

export function layerBytes(shape: ModelShape, settings: MemorySettings): number {
  return sum(Object.values(layerActivations(shape, settings)));
}

function normBytes({ family, hidden, heads, keyValueHeads, headDim }: ModelShape, settings: MemorySettings): number {
  const c = computeBytes(settings);
  // LayerNorm is one kernel that keeps its input.
  if (family === 'phi') return residualBytes(settings) * hidden;
  // Compiled, only the input is kept, in its own dtype.
  if (settings.compile) return 2 * residualBytes(settings) * hidden;
  const trained = settings.method === 'full';
  // Gemma multiplies by 1 + weight in fp32, the others by the weight after the cast back.
  const gemma = family.startsWith('gemma');
  const normalized = trained ? (gemma ? FP32 : residualBytes(settings)) : 0;
  const count = family === 'gemma2' || family === 'gemma3' ? 4 : 2;
  const ofHeads = family === 'qwen3' || family === 'gemma3' ? (heads + keyValueHeads) * headDim : 0;
  return (
    count * hidden * (FP32 + normalized) + ofHeads * (FP32 + (normalized === 0 ? 0 : Math.max(c, gemma ? FP32 : 0)))
  );
}

function attentionBytes({ family, heads, keyValueHeads, headDim }: ModelShape, settings: MemorySettings): number {
  const c = computeBytes(settings);
  const { attention, attentionMask, longest } = settings;
  const repeated = attention === 'eager' || (attention === 'sdpa' && attentionMask);
  const keysAndValues = 2 * (repeated ? heads : keyValueHeads) * headDim;
  // Eager products keep their factors; the output is kept by what is trained after it.
  const output = attention === 'eager' && settings.method !== 'full' ? 0 : heads * headDim;
  // Values that are a slice of one product keep all of it.
  const sliced = family === 'phi3' ? (heads + keyValueHeads) * headDim : 0;
  const inputsAndOutput = c * (heads * headDim + keysAndValues + output + sliced);
  // Eager: the softmax's fp32 output and its copy in the compute dtype (FlashAttention, arXiv 2205.14135, keeps neither,
  // only one log-sum-exp for each query). Gemma 2 keeps the tanh of its cap as well.
  const ofScore = (c === FP32 ? FP32 : FP32 + c) + (family === 'gemma2' ? c : 0);
  const scores = attention === 'eager' ? heads * longest * ofScore : FP32 * heads;
  return inputsAndOutput + scores;
}

function mlpBytes({ family, intermediate }: ModelShape, settings: MemorySettings): number {
  const c = computeBytes(settings);
  // transformers writes gelu_new out in Python, which keeps x, x/2, tanh and 1 + tanh.
  if (family === 'phi') return c * intermediate * (settings.compile ? 1 : 4);
  // gate, silu(gate), up; compiled, silu is computed again.
  return c * intermediate * (settings.compile ? 2 : 3);
}

/** Inputs that trained or int8 weights keep: the norms' outputs and the MLP's product (the attention's output is kept anyway). */
function linearInputBytes(shape: ModelShape, settings: MemorySettings): number {
  // LLM.int8 products keep their input, though their weight is frozen (bitsandbytes `MatMul8bitLt`).
  if (settings.method !== 'full' && settings.precision !== 'int8') return 0;
  return computeBytes(settings) * (inputsOfNorms(shape, settings) + shape.intermediate);
}

function inputsOfNorms(shape: ModelShape, settings: MemorySettings): number {
  // Autocast casts an fp32 input once more for each layer that reads it.
  if (settings.autocast && residualBytes(settings) === 4) {
    const readers = shape.family === 'phi3' ? 2 : shape.family === 'phi' ? 4 : 5;
    return readers * shape.hidden;
  }
  return (shape.family === 'phi' ? 1 : 2) * shape.hidden;
}

/**
 * PEFT casts the input of every adapted layer to the adapters' dtype, a copy each; where no cast is needed, layers
 * with the same input share it. Dropout keeps a mask of one byte and its output.
 */
function adapterInputBytes(shape: ModelShape, settings: MemorySettings): number {
  const { lora, method, autocast } = settings;
  if (method === 'full' || lora === null) return 0;
  const adapted = adaptedLinears(shape, lora.targets);
  const kept = autocast ? 2 : lora.bytes;
  const copied = autocast || kept !== computeBytes(settings) || lora.dropout > 0;
  const all = sum(adapted.map(({ inputs }) => inputs));
  const masks = lora.dropout > 0 ? all : 0;
  // Without a copy the attention's output is the one that attention keeps, and int8 products keep every input.
  const own = distinct(adapted).filter(({ source }) => source !== 'attention-output' && settings.precision !== 'int8');
  const inputs = copied ? all : sum(own.map((linear) => linear.inputs));
  return kept * (inputs + lora.rank * adapted.length) + masks;
}

function distinct(linears: readonly Linear[]): readonly Linear[] {
  return [...new Map(linears.map((linear) => [linear.source, linear])).values()];
}

/** Bytes of one token that the checkpoint of a layer keeps: its input. */
export function checkpointBytes(shape: ModelShape, settings: MemorySettings): number {
  return residualBytes(settings) * shape.hidden;
}

/** Bytes of one token around the decoder: the final norm, and its output where the head is trained. */
export function outerBytes(shape: ModelShape, settings: MemorySettings): number {
  const head = settings.method === 'full' ? computeBytes(settings) : 0;
  return shape.hidden * ((settings.compile ? residualBytes(settings) : FP32) + head);
}

/**
 * Bytes of one token at the widest point of a layer's backward pass: gradients of product, gate and up, and of the
 * stream; with eager attention those of the scores, where they are more.
 */
export function backwardBytes(shape: ModelShape, settings: MemorySettings): number {
  const wide = shape.family === 'phi' ? 2 : 3;
  const c = computeBytes(settings);
  const scores = settings.attention === 'eager' ? shape.heads * settings.longest * (FP32 + c) : 0;
  return Math.max(c * wide * shape.intermediate, scores) + 2 * residualBytes(settings) * shape.hidden;
}

/** Bytes of one token at the widest point of a layer without gradients: gate, up and their product. */
export function inferenceBytes(shape: ModelShape, settings: MemorySettings): number {
  return (
    computeBytes(settings) * 3 * shape.intermediate + 2 * residualBytes(settings) * shape.hidden + FP32 * shape.hidden
  );
}

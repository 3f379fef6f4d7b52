/** Memory of the output head and the loss. */
import { computeBytes, type MemorySettings } from './settings.ts';
import type { ModelShape } from './shape.ts';

const FP32 = 4;
/** torchtune's CEWithChunkedOutputLoss divides the tokens into so many. */
const CHUNKS = 8;
/** Tokens and vocabulary entries that the trainer's own loss works on at once (`head.py`). */
const FUSED_TOKENS = 2048;
const FUSED_ENTRIES = 32_768;

/**
 * Bytes when the loss is differentiated, for `tokens` tokens.
 * full: the head's output, and in fp32 the log-softmax and two gradients (`ForCausalLMLoss` of transformers and
 * torch's cross_entropy). chunked: the output and the log-softmax of all chunks, and one chunk's gradients
 * (`del logits` in torchtune's recipes frees each as it is used). fused: never more than a block of logits, and the gradient by the hidden state in fp32.
 */
export function lossBytes(shape: ModelShape, settings: MemorySettings, tokens: number): number {
  const c = computeBytes(settings);
  const entries = tokens * shape.vocabulary;
  // tanh keeps its output, which is then multiplied into the logits; what it was made from is gone.
  const capped = shape.softcap ? c * entries : 0;
  switch (settings.logits) {
    case 'full':
      // Compiled, the log-softmax is computed again from the output.
      if (settings.compile) return entries * (2 * c + 2 * FP32) + capped;
      return entries * (c + 3 * FP32) + capped;
    case 'chunked':
      // Compiled, only the output is kept; a chunk's gradient takes the place of its output.
      if (settings.compile) return entries * c + (entries / CHUNKS) * (c + FP32) + capped;
      return entries * (c + FP32) + (entries / CHUNKS) * 2 * FP32 + capped;
    case 'fused': {
      const block = Math.min(tokens, FUSED_TOKENS) * Math.min(shape.vocabulary, FUSED_ENTRIES);
      return tokens * shape.hidden * (FP32 + c) + block * (2 * FP32 + c);
    }
  }
}

/** Bytes of logits that are scored without gradients. */
export function scoringBytes(shape: ModelShape, settings: MemorySettings, tokens: number): number {
  const c = computeBytes(settings);
  if (settings.logits === 'fused') {
    const block = Math.min(tokens, FUSED_TOKENS) * Math.min(shape.vocabulary, FUSED_ENTRIES);
    return block * (2 * FP32 + c);
  }
  return tokens * shape.vocabulary * (c + 2 * FP32);
}

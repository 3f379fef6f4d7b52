/** What a memory estimate assumes besides the settings. Nothing here changes what a trial does, or its id. */
import { z } from 'zod';
import { ATTENTIONS, LOGITS, MEMORY_OPTIMIZERS, TRAINERS } from '../vocabulary/memory.ts';
import { field, size } from './input.ts';

const count = z.int().min(1).max(10_000_000);

export const estimateAssumptions = z.strictObject({
  trainer: field(
    z.enum(TRAINERS).nullable(),
    null,
    'whose habits the nulls below follow; null: lamina, or transformers (with PEFT) for a model of source config',
  ),
  attention: field(z.enum(ATTENTIONS).nullable(), null, 'attention kernel; null: sdpa, eager for Gemma 2'),
  attentionMask: field(
    z.boolean().nullable(),
    null,
    'padding is masked, for which sdpa repeats keys and values; null: lamina never, transformers unless packed, torchtune always',
  ),
  logits: field(
    z.enum(LOGITS).nullable(),
    null,
    'all at once, chunked as in torchtune, or fused with the loss; null: lamina fused, transformers full, torchtune chunked',
  ),
  optimizer: field(z.enum(MEMORY_OPTIMIZERS).nullable(), null, 'instead of training.optimizer'),
  optimizerInBackward: field(z.boolean(), false, 'parameters are updated as their gradients appear'),
  foreach: field(z.boolean(), false, 'AdamW steps all parameters in one call, with temporaries of their size'),
  adapterDtype: field(
    z.enum(['fp32', 'bf16']).nullable(),
    null,
    'dtype of the adapters; null: fp32, bf16 with torchtune',
  ),
  kbitPreparation: field(
    z.boolean(),
    false,
    'peft prepare_model_for_kbit_training: embeddings, head and norms in fp32',
  ),
  compile: field(z.boolean(), false, 'torch.compile'),
  activationOffload: field(z.boolean(), false, 'kept activations are in host memory'),
  longestTokens: field(
    count.nullable(),
    null,
    'longest sequence, where it is shorter than training.maxLength; null: from meanTokens, else maxLength',
  ),
  meanTokens: field(
    count.nullable(),
    null,
    'mean length of a sequence; without packing, the longest counts as 6 times that',
  ),
  gpus: field(
    z
      .array(size({ least: 2 ** 30 }))
      .min(1)
      .nullable(),
    null,
    'memory of the GPUs to choose from as CUDA reports it, e.g. [24GiB, 79GiB]; null: common cards',
  ),
});
export type EstimateAssumptions = z.infer<typeof estimateAssumptions>;

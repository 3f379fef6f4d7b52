/** Bodies of memory estimates: POST /v1/estimates, `lamina estimate --json`, and cells of a preview. Bytes per GPU. */
import { z } from 'zod';
import { DROP_REASONS } from '../vocabulary/drops.ts';
import { ATTENTIONS, LOGITS, MEMORY_OPTIMIZERS, TRAINERS } from '../vocabulary/memory.ts';
import { METHODS } from '../vocabulary/methods.ts';
import { PRECISIONS } from '../vocabulary/precisions.ts';
import { layerChoice, modelRef } from './settings.ts';

/** Whole; what no machine will ever have may be beyond the whole numbers that JSON readers keep exact. */
const bytes = z.number().nonnegative();

const totals = z.object({
  allocatedBytes: bytes.describe('tensors: torch.cuda.max_memory_allocated'),
  reservedBytes: bytes.describe("the allocator's pool: torch.cuda.max_memory_reserved"),
  processBytes: bytes.describe('what the driver counts for the process; what must fit on the GPU'),
});

export const memoryView = z.object({
  parameters: z.number().int(),
  trainableParameters: z.number().int(),
  moment: z.string().describe('when the peak is reached'),
  terms: z
    .array(
      z.object({
        id: z.string(),
        title: z.string(),
        bytes,
        source: z.string().describe('where the formula comes from'),
        level: z.enum(['allocated', 'reserved', 'process']).describe('the first counter that sees it'),
        steady: z.boolean().describe('also there between two steps'),
      }),
    )
    .describe("add up to the process's peak"),
  peak: totals,
  steady: totals.describe('between two steps, gradients not yet dropped'),
  assumptions: z.object({
    trainer: z.enum(TRAINERS),
    microBatch: z.number().int(),
    longestTokens: z.number().int(),
    attention: z.enum(ATTENTIONS),
    attentionMask: z.boolean(),
    logits: z.enum(LOGITS),
    computeDtype: z.enum(['fp32', 'bf16', 'fp16']),
    optimizer: z.enum(MEMORY_OPTIMIZERS),
    gpus: z.number().int(),
  }),
  plan: z
    .object({
      gpuClass: z.string(),
      gpuMemoryBytes: z.number(),
      gpus: z.number().int(),
      microBatch: z.number().int(),
      accumulation: z.number().int(),
      checkpointing: z.boolean(),
      peakProcessBytes: bytes,
      marginsFrom: z
        .number()
        .int()
        .describe('trials measured on this class that the margins come from; 0: they are assumed'),
      free: z.number().describe("share of the GPU's memory that the estimate leaves free"),
      probability: z
        .number()
        .nullable()
        .default(null)
        .describe('that it fits, from how far estimates of such runs were off; null: from a server that does not say'),
    })
    .nullable()
    .describe('the smallest GPU that it fits, and how; null: none'),
  doesNotFit: z.string().nullable().describe('why no GPU is large enough'),
  classes: z
    .array(z.object({ gpuClass: z.string(), gpuMemoryBytes: z.number(), probability: z.number() }))
    .default([])
    .describe('how likely the run as asked fits each class of GPU'),
  notes: z.array(z.string()).default([]).describe('what the estimate takes for granted that may surprise'),
});
export type MemoryView = z.infer<typeof memoryView>;

const estimatedCell = z.object({
  id: z.string(),
  label: z.string(),
  model: modelRef,
  layers: layerChoice,
  precision: z.enum(PRECISIONS),
  method: z.enum(METHODS),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  memory: memoryView.nullable().describe("null where the model's configuration is not known"),
  message: z.string().nullable().describe('why there is no estimate'),
});
export type EstimatedCell = z.infer<typeof estimatedCell>;

export const estimateView = z.object({
  name: z.string(),
  cells: z.array(estimatedCell),
  dropped: z.array(z.object({ label: z.string(), reason: z.enum(DROP_REASONS), message: z.string() })),
});
export type EstimateView = z.infer<typeof estimateView>;

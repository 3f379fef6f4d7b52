/** What no tensor explains: temporary weight copies, the allocator's pool, the driver's context. */
import { isQuantized } from '../vocabulary/precisions.ts';
import { countParameters } from './parameters.ts';
import { computeBytes, gathersCast, type MemorySettings, storedBytes } from './settings.ts';
import type { ModelShape } from './shape.ts';
import { type Term, term } from './terms.ts';
import { linearWeightBytes } from './weights.ts';

/** Kinds of runs whose overheads, and errors of estimates, are alike. */
export const KINDS = ['one-fused', 'one-full', 'divided-fused', 'divided-full'] as const;
export type Kind = (typeof KINDS)[number];

/** A chunked loss is as a fused one: no block of all logits comes and goes. */
export function kindOf({ shards, logits }: Pick<MemorySettings, 'shards' | 'logits'>): Kind {
  return `${shards > 1 ? 'divided' : 'one'}-${logits === 'full' ? 'full' : 'fused'}`;
}

/**
 * By kind: the share by which the allocator's pool exceeds the tensors that come and go in a step. Weights and states
 * stay where they are and waste nothing. From published pairs of both counters on one and two GPUs (nvidia-smi of
 * Mistral 7B; those of full logits, 0.3 there, drawn towards sources that saw less).
 */
const POOL: Readonly<Record<Kind, number>> = {
  'one-fused': 0.12,
  'one-full': 0.15,
  'divided-fused': 0.15,
  'divided-full': 0.25,
};
/** CUDA context, kernels and cuBLAS workspaces of torch 2 take 0.4 to 0.6 GiB on data-center cards. */
const CONTEXT_BYTES = 512 * 2 ** 20;
/** NCCL's buffers and FSDP's copies outside the pool, from the same pairs: 2.2 to 4 GB. */
const COMMUNICATION_BYTES = 2304 * 2 ** 20;
/** Share of what the backward pass frees that an optimizer step with temporaries of its own cannot use. */
const UNSHARED = 0.5;

/** The largest weight in the compute dtype: k-bit products need it whole (bitsandbytes `MatMul4Bit`, `MatMul8bitLt`, packed layers). */
export function dequantizationTerm(shape: ModelShape, settings: MemorySettings): Term {
  const { largestLinear } = countParameters(shape, settings.layers);
  const quantized = isQuantized(settings.precision);
  return term(
    'dequantization',
    'one weight, dequantized',
    quantized ? largestLinear * computeBytes(settings) : 0,
    'bitsandbytes MatMul4Bit and MatMul8bitLt, and packed layers: the weight in the compute dtype',
  );
}

/**
 * Under FSDP a layer's weights are gathered whole while it runs, those of the next ahead of it, and embedding and head
 * stay gathered. Packed weights are gathered packed.
 */
export function gatherTerm(shape: ModelShape, settings: MemorySettings): Term {
  const { layer, linear, embedding, head } = countParameters(shape, settings.layers);
  const element = gathersCast(settings) ? computeBytes(settings) : storedBytes(settings.precision);
  const packed = isQuantized(settings.precision) ? linearWeightBytes(shape, settings.precision, 1) : null;
  const linearOfLayer = linear / settings.layers;
  const ofLayer = packed === null ? layer * element : packed + (layer - linearOfLayer) * element;
  const outer = (embedding + head) * element;
  const gradients = settings.method === 'full' ? layer * element + embedding * element : 0;
  const bytes = settings.shards === 1 ? 0 : 2 * ofLayer + outer + gradients;
  return term('gathered', 'whole weights and gradients of the layers at work', bytes, 'PyTorch FSDP, arXiv 2304.11277');
}

/** A moment of a step: all tensors that are there, and those of them that come and go within it; bytes. */
export interface Occupied {
  readonly bytes: number;
  readonly transient: number;
}

/**
 * What the pool holds above the largest moment. The moment that needs the largest pool may be another one: scoring holds
 * fewer tensors than the backward pass where its logits come and go and gradients stay.
 *
 * `beyondPeak`: by how much backward pass and optimizer step together exceed the peak.
 */
export function poolTerm(settings: MemorySettings, moments: readonly Occupied[], beyondPeak: number): Term {
  const source =
    'share of what comes and goes, from published pairs of counters; the step’s temporaries do not fit the blocks that the backward pass frees';
  const share = POOL[kindOf(settings)];
  const pool = Math.max(...moments.map(({ bytes, transient }) => bytes + share * transient));
  const above = pool - Math.max(...moments.map(({ bytes }) => bytes));
  return term('fragmentation', 'allocator pool', above + UNSHARED * beyondPeak, source, { level: 'reserved' });
}

export function contextTerm({ shards }: MemorySettings): Term {
  const source = 'CUDA context, loaded kernels and library workspaces; of several GPUs NCCL’s buffers as well';
  const bytes = CONTEXT_BYTES + (shards > 1 ? COMMUNICATION_BYTES : 0);
  return term('context', 'CUDA context', bytes, source, { level: 'process', steady: true });
}

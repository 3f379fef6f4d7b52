/** What no tensor explains: temporary weight copies, the allocator's pool, the driver's context. */
import { isQuantized } from '../vocabulary/precisions.ts';
import { countParameters } from './parameters.ts';
import { computeBytes, type MemorySettings, storedBytes } from './settings.ts';
import type { ModelShape } from './shape.ts';
import { type Term, term } from './terms.ts';

/** What trials on a class of GPU correct (`refit`). */
export interface Margins {
  /** Share by which the allocator's pool exceeds the tensors in it at the peak. */
  readonly fragmentation: number;
  /** What the driver counts besides the allocator's pool, bytes. */
  readonly context: number;
  /** Share by which tensors took more than the terms say. */
  readonly unexplained: number;
  /** Share of a GPU that a plan leaves free. */
  readonly safety: number;
}

/**
 * Assumptions, rounded. `fragmentation`: PyTorch's allocator rounds blocks up and keeps what it freed; the published
 * reserved peaks are 0.92 to 1.06 of the terms' sum, do not pin it down, and were known when 5 % was chosen. `context`: CUDA context, kernels and cuBLAS
 * workspaces of torch 2 take 0.4 to 0.6 GiB on data-center cards. Measured trials replace both.
 */
export const DEFAULT_MARGINS: Margins = {
  fragmentation: 0.05,
  context: 512 * 2 ** 20,
  unexplained: 0,
  safety: 0.05,
};

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

/** Under FSDP a layer's weights are gathered whole while it runs, those of the next ahead of it. */
export function gatherTerm(shape: ModelShape, settings: MemorySettings): Term {
  const { layer, embedding } = countParameters(shape, settings.layers);
  const weights = 2 * layer + embedding;
  const gradients = settings.method === 'full' ? layer + embedding : 0;
  const bytes = settings.shards === 1 ? 0 : (weights + gradients) * storedBytes(settings.precision);
  return term('gathered', 'whole weights and gradients of the layers at work', bytes, 'PyTorch FSDP, arXiv 2304.11277');
}

export function fragmentationTerm(allocated: number, margins: Margins): Term {
  const source = 'share of the peak by which the allocator’s pool exceeds its tensors; refitted from measured trials';
  return term('fragmentation', 'allocator pool', allocated * margins.fragmentation, source, { level: 'reserved' });
}

export function unexplainedTerm(allocated: number, margins: Margins): Term {
  const source = 'measured trials on the same class against the terms above';
  return term('unexplained', 'beyond the terms', allocated * Math.max(0, margins.unexplained), source);
}

export function contextTerm(margins: Margins): Term {
  const source = 'CUDA context, loaded kernels and library workspaces, as the driver counts them';
  return term('context', 'CUDA context', margins.context, source, { level: 'process', steady: true });
}

/** The smallest class of GPU that a trial fits, and the plan it fits with. */
import type { GpuClass } from './classes.ts';
import { estimateMemory, type MemoryEstimate, processPeak, termsBytes } from './estimate.ts';
import { DEFAULT_MARGINS, type Margins } from './overhead.ts';
import type { MemorySettings } from './settings.ts';
import type { ModelShape } from './shape.ts';

/** The effective batch, microBatch × accumulation × gpus, is that of the settings. */
export interface ChosenPlan {
  readonly gpuClass: GpuClass;
  readonly gpus: number;
  readonly microBatch: number;
  readonly accumulation: number;
  readonly checkpointing: boolean;
  /** Share of the GPU's memory that stays free. */
  readonly free: number;
  readonly estimate: MemoryEstimate;
}

export type Choice =
  | { readonly fits: true; readonly plan: ChosenPlan }
  | { readonly fits: false; readonly message: string };

export interface ChooseOptions {
  /** Margins of a class; the defaults where it has none of its own. */
  readonly marginsOf?: (gpuClass: GpuClass) => Margins;
  /**
   * Numbers of GPUs that may share a trial, the least first. Full training is divided among them; with adapters each
   * GPU holds the whole base. Unless given, up to 16 for full training and 1 for the others.
   */
  readonly counts?: readonly number[];
}

/**
 * Classes from the smallest; within one, what changes least first: the plan as asked, smaller micro-batches, then
 * checkpointing with the largest micro-batch that fits. Full training that fits no single GPU is divided over as few
 * as possible (FSDP).
 */
export function choosePlan(
  shape: ModelShape,
  settings: MemorySettings,
  classes: readonly GpuClass[],
  {
    marginsOf = () => DEFAULT_MARGINS,
    counts = settings.method === 'full' ? [1, 2, 4, 8, 16] : [1],
  }: ChooseOptions = {},
): Choice {
  const bySize = classes.toSorted((a, b) => a.memoryBytes - b.memoryBytes);
  const tried: Candidate[] = [];
  for (const gpus of counts) {
    const candidates = candidatesFor(shape, settings, gpus);
    tried.push(...candidates);
    for (const gpuClass of bySize) {
      if (gpus > gpuClass.perNode) continue;
      const plan = firstThatFits(shape, candidates, { gpuClass, margins: marginsOf(gpuClass) });
      if (plan !== null) return { fits: true, plan };
    }
  }
  return { fits: false, message: explanation(tried, bySize, marginsOf) };
}

interface Candidate {
  readonly gpus: number;
  readonly settings: MemorySettings;
  /** Sum of the terms, without margins. */
  readonly bytes: number;
}

interface Place {
  readonly gpuClass: GpuClass;
  readonly margins: Margins;
}

function firstThatFits(
  shape: ModelShape,
  candidates: readonly Candidate[],
  { gpuClass, margins }: Place,
): ChosenPlan | null {
  const usable = gpuClass.memoryBytes * (1 - margins.safety);
  const found = candidates.find(({ bytes }) => processPeak(bytes, margins) <= usable);
  if (found === undefined) return null;
  const { microBatch, accumulation, checkpointing } = found.settings;
  const estimate = estimateMemory(shape, found.settings, margins);
  const free = 1 - estimate.peak.processBytes / gpuClass.memoryBytes;
  return { gpuClass, gpus: found.gpus, microBatch, accumulation, checkpointing, free, estimate };
}

/** Every plan with the same effective batch, in the order in which they are tried. */
function candidatesFor(shape: ModelShape, settings: MemorySettings, gpus: number): readonly Candidate[] {
  const effective = settings.microBatch * settings.accumulation;
  if (effective % gpus !== 0) return [];
  const each = effective / gpus;
  const microBatches = Array.from({ length: Math.min(settings.microBatch, each) }, (_, index) => index + 1)
    .filter((microBatch) => each % microBatch === 0)
    .toReversed();
  return (settings.checkpointing ? [true] : [false, true]).flatMap((checkpointing) =>
    microBatches.map((microBatch) => {
      const shards = settings.method === 'full' ? gpus : 1;
      const candidate = { ...settings, microBatch, accumulation: each / microBatch, checkpointing, shards };
      return { gpus, settings: candidate, bytes: termsBytes(shape, candidate) };
    }),
  );
}

function explanation(
  tried: readonly Candidate[],
  bySize: readonly GpuClass[],
  marginsOf: (gpuClass: GpuClass) => Margins,
): string {
  const largest = bySize.at(-1);
  if (largest === undefined) return 'there is no class of GPU to choose from';
  const margins = marginsOf(largest);
  const possible = tried.filter(({ gpus }) => gpus <= largest.perNode);
  if (possible.length === 0) {
    const [fewest] = tried.map(({ gpus }) => gpus).toSorted((a, b) => a - b);
    return `asks for ${fewest} GPUs in one node; the largest class, ${largest.name}, has ${largest.perNode}`;
  }
  const least = possible.reduce((a, b) => (b.bytes < a.bytes ? b : a));
  const { microBatch } = least.settings;
  const where = least.gpus === 1 ? 'one GPU' : `each of ${least.gpus} GPUs`;
  const needed = gib(processPeak(least.bytes, margins));
  const usable = gib(largest.memoryBytes * (1 - margins.safety));
  return `needs at least ${needed} on ${where}, with a micro-batch of ${microBatch} and checkpointing; the largest class, ${largest.name}, has ${usable} to use`;
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

/** The smallest class of GPU that a trial fits, and the plan it fits with. */
import type { GpuClass } from './classes.ts';
import { estimateMemory, type MemoryEstimate, type MemoryModel, predictedPeak } from './estimate.ts';
import { kindOf } from './overhead.ts';
import type { MemorySettings } from './settings.ts';
import { DEFAULT_MARGINS, type Margins, neededBytes, probabilityOfFitting } from './spread.ts';

/** The effective batch, microBatch × accumulation × gpus, is that of the settings. */
export interface ChosenPlan {
  readonly gpuClass: GpuClass;
  readonly gpus: number;
  readonly microBatch: number;
  readonly accumulation: number;
  readonly checkpointing: boolean;
  /** Share of the GPU's memory that the estimate leaves free. */
  readonly free: number;
  /** That it fits, from how far estimates were off. */
  readonly probability: number;
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
  readonly counts?: readonly number[] | undefined;
  /** Probability of running out of memory that is taken. */
  readonly risk?: number;
  /** Weights are divided among the GPUs of a trial; unless given, those of full training. */
  readonly divides?: boolean;
}

/** Risk that is taken where a document does not say (`policy.memoryRisk`). */
export const DEFAULT_RISK = 0.05;

/**
 * Classes from the smallest; within one, what changes least first: the plan as asked, smaller micro-batches, then
 * checkpointing with the largest micro-batch that fits. Full training that fits no single GPU is divided over as few
 * as possible (FSDP).
 */
export function choosePlan(
  shape: MemoryModel,
  settings: MemorySettings,
  classes: readonly GpuClass[],
  {
    marginsOf = () => DEFAULT_MARGINS,
    counts = settings.method === 'full' ? [1, 2, 4, 8, 16] : [1],
    risk = DEFAULT_RISK,
    divides = settings.method === 'full',
  }: ChooseOptions = {},
): Choice {
  const bySize = classes.toSorted((a, b) => a.memoryBytes - b.memoryBytes);
  const tried: Candidate[] = [];
  for (const gpus of counts) {
    const candidates = candidatesFor(shape, settings, { gpus, divides });
    tried.push(...candidates);
    for (const gpuClass of bySize) {
      if (gpus > gpuClass.perNode) continue;
      const plan = firstThatFits(candidates, { gpuClass, margins: marginsOf(gpuClass), risk });
      if (plan !== null) return { fits: true, plan };
    }
  }
  return { fits: false, message: explanation(tried, bySize, { marginsOf, risk }) };
}

interface Candidate {
  readonly gpus: number;
  readonly settings: MemorySettings;
  readonly estimate: MemoryEstimate;
}

interface Place {
  readonly gpuClass: GpuClass;
  readonly margins: Margins;
  readonly risk: number;
}

function firstThatFits(candidates: readonly Candidate[], { gpuClass, margins, risk }: Place): ChosenPlan | null {
  const { memoryBytes } = gpuClass;
  const found = candidates.find((candidate) => needed(candidate, margins, risk) <= memoryBytes);
  if (found === undefined) return null;
  const { gpus, estimate, settings } = found;
  const { microBatch, accumulation, checkpointing } = settings;
  const { processBytes } = estimate.peak;
  const free = 1 - processBytes / memoryBytes;
  const probability = probabilityOfFitting(predictedPeak(estimate), memoryBytes, margins[kindOf(settings)]);
  return { gpuClass, gpus, microBatch, accumulation, checkpointing, free, probability, estimate };
}

function needed({ settings, estimate }: Candidate, margins: Margins, risk: number): number {
  return neededBytes(predictedPeak(estimate), margins[kindOf(settings)], risk);
}

/** Every plan with the same effective batch, in the order in which they are tried. */
function candidatesFor(
  shape: MemoryModel,
  settings: MemorySettings,
  { gpus, divides }: { readonly gpus: number; readonly divides: boolean },
): readonly Candidate[] {
  const effective = settings.microBatch * settings.accumulation;
  if (effective % gpus !== 0) return [];
  const each = effective / gpus;
  const microBatches = Array.from({ length: Math.min(settings.microBatch, each) }, (_, index) => index + 1)
    .filter((microBatch) => each % microBatch === 0)
    .toReversed();
  return (settings.checkpointing ? [true] : [false, true]).flatMap((checkpointing) =>
    microBatches.map((microBatch) => {
      const shards = divides ? gpus : 1;
      const candidate = { ...settings, microBatch, accumulation: each / microBatch, checkpointing, shards };
      return { gpus, settings: candidate, estimate: estimateMemory(shape, candidate) };
    }),
  );
}

function explanation(
  tried: readonly Candidate[],
  bySize: readonly GpuClass[],
  { marginsOf, risk }: { readonly marginsOf: (gpuClass: GpuClass) => Margins; readonly risk: number },
): string {
  const largest = bySize.at(-1);
  if (largest === undefined) return 'there is no class of GPU to choose from';
  const margins = marginsOf(largest);
  const possible = tried.filter(({ gpus }) => gpus <= largest.perNode);
  if (possible.length === 0) {
    const [fewest] = tried.map(({ gpus }) => gpus).toSorted((a, b) => a - b);
    return `asks for ${fewest} GPUs in one node; the largest class, ${largest.name}, has ${largest.perNode}`;
  }
  const least = possible.reduce((a, b) => (needed(b, margins, risk) < needed(a, margins, risk) ? b : a));
  const { microBatch } = least.settings;
  const where = least.gpus === 1 ? 'one GPU' : `each of ${least.gpus} GPUs`;
  const bytes = gib(needed(least, margins, risk));
  const sure = `${(100 * (1 - risk)).toFixed(0)} %`;
  return `needs at least ${bytes} on ${where} to fit with a probability of ${sure}, with a micro-batch of ${microBatch} and checkpointing; the largest class, ${largest.name}, has ${gib(largest.memoryBytes)}`;
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

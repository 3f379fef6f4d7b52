import type { GpuInventory } from '../contract/gpus.ts';
import type { ModelRef } from '../contract/settings.ts';
import type { MemoryModel } from '../memory/estimate.ts';
import type { LearnedMargins } from '../memory/learned.ts';

/** What the machine (or GPU class) that will run the trials can do; printed by `lamina_trainer device`. */
export interface DeviceCapabilities {
  readonly kind: 'cpu' | 'cuda';
  /** Product name, e.g. "NVIDIA H100 80GB HBM3". */
  readonly name: string;
  /** "8.0" and the like; null on a CPU. */
  readonly computeCapability: string | null;
  /** Whether 16-bit matrix products are faster than fp32 ones. */
  readonly fast16Bit: boolean;
  /** What a CPU has that precisions and dtypes depend on, as the operating system names it; empty for a GPU. */
  readonly features?: readonly string[];
  /** Memory of one GPU; null for a CPU. */
  readonly memoryBytes?: number | null;
}

/** GPUs that trials can have, and what it takes to choose among them. */
export interface GpuOffer {
  readonly inventory: GpuInventory;
  /** Null where a model's configuration is not known: its memory is not estimated then. */
  readonly shapeOf: (model: ModelRef) => MemoryModel | null;
  /** Margins of a class by its name. */
  readonly marginsOf: (gpuClass: string) => LearnedMargins;
}

/** What the expansion of a matrix needs to know beyond the document. */
export interface ExpansionContext {
  /** Enters every trial id. */
  readonly trainerRevision: string;
  /** Null where it is not known: nothing is dropped for it then. */
  readonly device: DeviceCapabilities | null;
  /** Decoder layers of a model; null where that is not known before it is loaded. */
  readonly layersOf: (model: ModelRef) => number | null;
  /** How a model's weights are quantized on disk: null where they are not, undefined where that is not known. */
  readonly checkpointOf?: (model: ModelRef) => string | null | undefined;
  /** Null where it is not known what there is: plans are as the document says, and nothing is dropped for its size. */
  readonly gpus: GpuOffer | null;
}

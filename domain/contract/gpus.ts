/** GPUs that trials can run on: what `GET /v1/gpus` answers. */
import { z } from 'zod';
import { type DeviceView, deviceView } from './devices.ts';

export interface GpuClassInventory {
  /** Name to use in `resources.gpuClass`. */
  readonly name: string;
  /** e.g. "NVIDIA-H100-80GB-HBM3"; null where nodes do not say. */
  readonly product: string | null;
  /** Memory of one GPU that CUDA reports, bytes; null where it is not known. */
  readonly memoryBytes: number | null;
  /** "9.0" and the like; null where it is not known. */
  readonly computeCapability: string | null;
  /** MIG profile such as "3g.40gb"; null for whole GPUs. */
  readonly mig: string | null;
  readonly nodes: number;
  /** Most GPUs of it in one node. */
  readonly perNode: number;
  /** GPUs on nodes that take pods. */
  readonly total: number;
  /** Free ones: GPUs of these that no pod requests; null where pods of others cannot be seen. */
  readonly free: number | null;
  readonly pricePerHour: number | null;
}

export interface GpuInventory {
  /** Where it comes from: the runner's name. */
  readonly source: string;
  readonly at: string;
  readonly classes: readonly GpuClassInventory[];
  /** GPUs of one machine, one by one; absent where a cluster hands them out. */
  readonly devices?: readonly DeviceView[] | undefined;
  /** Why there is nothing to show, or what limits the answer; null where nothing does. */
  readonly note: string | null;
}

/** Implemented by runners that can say. */
export interface GpuInventorySource {
  gpus(): Promise<GpuInventory>;
}

const bytes = z.number().int().nonnegative();
const count = z.number().int().nonnegative();

export const gpuInventoryView = z.object({
  source: z.string().describe('the runner'),
  at: z.iso.datetime({ offset: true }).describe('when a worker looked'),
  classes: z.array(
    z.object({
      name: z.string().describe('to name in resources.gpuClass'),
      product: z.string().nullable(),
      memoryBytes: bytes.nullable().describe('of one GPU, as CUDA reports it'),
      computeCapability: z.string().nullable(),
      mig: z.string().nullable().describe('profile; null for whole GPUs'),
      nodes: count,
      perNode: count.describe('most GPUs of it in one node'),
      total: count.describe('on nodes that take pods'),
      free: count.nullable().describe('requested by no pod; null where that cannot be seen'),
      pricePerHour: z.number().nullable().describe('of one GPU'),
    }),
  ),
  devices: z
    .array(deviceView)
    .optional()
    .describe('one by one, where a machine of its own hands them out; absent for a cluster'),
  note: z.string().nullable().describe('why there is nothing to show, or what limits the answer'),
});

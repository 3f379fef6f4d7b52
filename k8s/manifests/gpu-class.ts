/** From the name of a GPU class to what a pod asks for. */

import { LABEL_VALUE } from '../names.ts';
import type { KubernetesSettings } from '../settings/settings.ts';

/** Set on nodes by NVIDIA's GPU feature discovery. */
export const PRODUCT_LABEL = 'nvidia.com/gpu.product';
/** Resources of MIG instances under the device plugin's `mixed` strategy: `nvidia.com/mig-3g.40gb`. */
export const MIG_RESOURCE = /^nvidia\.com\/mig-(.+)$/;

export interface GpuRequest {
  /** Extended resource that stands for one GPU. */
  readonly resource: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Kueue's LocalQueue; null: not queued. */
  readonly queue: string | null;
  /** A pod holds no more of them; null: as many as are asked for. */
  readonly gpusPerPod: number | null;
}

type ClassSettings = Pick<KubernetesSettings, 'gpuClasses' | 'gpuResource' | 'gpusPerPod' | 'nodeSelector' | 'queue'>;

/**
 * A class is a name in the settings, a resource (`nvidia.com/gpu` for any GPU, `nvidia.com/mig-3g.40gb` for a MIG
 * profile), or a product as nodes announce it. Null: a name that can be none of these.
 */
export function gpuRequest(gpuClass: string | null, settings: ClassSettings): GpuRequest | null {
  const { gpuResource: resource, nodeSelector, queue, gpusPerPod } = settings;
  const any = { resource, nodeSelector, queue, gpusPerPod };
  if (gpuClass === null || gpuClass === resource) return any;
  const named = Object.hasOwn(settings.gpuClasses, gpuClass) ? settings.gpuClasses[gpuClass] : undefined;
  if (named !== undefined) {
    return {
      resource: named.resource ?? resource,
      nodeSelector: { ...nodeSelector, ...named.nodeSelector },
      queue: named.queue ?? queue,
      gpusPerPod: named.gpusPerPod ?? gpusPerPod,
    };
  }
  if (MIG_RESOURCE.test(gpuClass)) return { ...any, resource: gpuClass };
  if (!LABEL_VALUE.test(gpuClass)) return null;
  return { ...any, nodeSelector: { ...nodeSelector, [PRODUCT_LABEL]: gpuClass } };
}

/** The fewest pods that share the GPUs evenly. */
export function podCount(gpus: number, gpusPerPod: number | null): number {
  if (gpusPerPod === null || gpus <= gpusPerPod) return 1;
  let pods = Math.ceil(gpus / gpusPerPod);
  while (gpus % pods !== 0) pods += 1;
  return pods;
}

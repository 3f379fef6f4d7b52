/** Which nodes take pods of ours, and what they say about their GPUs. */
import type { V1Node, V1Taint } from '@kubernetes/client-node';
import { MIG_RESOURCE, PRODUCT_LABEL } from '../manifests/gpu-class.ts';
import type { KubernetesSettings } from '../settings/settings.ts';

/** Ready, not cordoned, and without a taint that our pods do not tolerate. */
export function takesPods({ spec, status }: V1Node, tolerations: KubernetesSettings['tolerations']): boolean {
  const ready = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
  const repelled = spec?.taints?.some((taint) => repels(taint) && !tolerations.some((one) => tolerates(one, taint)));
  return ready && spec?.unschedulable !== true && repelled !== true;
}

function repels({ effect }: V1Taint): boolean {
  return effect === 'NoSchedule' || effect === 'NoExecute';
}

function tolerates(toleration: KubernetesSettings['tolerations'][number], taint: V1Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== taint.effect) return false;
  if (toleration.key !== undefined && toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}

export function hasLabels({ metadata }: V1Node, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => metadata?.labels?.[key] === value);
}

export interface GpuFacts {
  readonly product: string | null;
  /** Bytes. */
  readonly memoryBytes: number | null;
  readonly computeCapability: string | null;
  readonly mig: string | null;
}

const MIB = 2 ** 20;

/** From the labels of GPU feature discovery; MIG profiles under the `mixed` strategy have labels of their own. */
export function gpuFacts({ metadata }: V1Node, resource: string): GpuFacts {
  const labels = metadata?.labels ?? {};
  const profile = MIG_RESOURCE.exec(resource)?.[1] ?? null;
  const prefix = profile === null ? 'nvidia.com/gpu' : `nvidia.com/mig-${profile}`;
  const product = labels[PRODUCT_LABEL] ?? null;
  const memory = Number(labels[`${prefix}.memory`]);
  const major = labels['nvidia.com/gpu.compute.major'];
  const minor = labels['nvidia.com/gpu.compute.minor'];
  return {
    product,
    memoryBytes: memory > 0 ? memory * MIB : null,
    computeCapability: major === undefined || minor === undefined ? null : `${major}.${minor}`,
    // Under the `single` strategy every GPU of the node is an instance, and the product names the profile.
    mig: profile ?? /-MIG-(\d+g\.\d+gb.*)$/.exec(product ?? '')?.[1] ?? null,
  };
}

/** GPU classes of a cluster: what its nodes announce, and what the settings name. Pure. */
import type { V1Node, V1Pod } from '@kubernetes/client-node';
import type { GpuClassInventory } from '@lamina/domain/contract/gpus.ts';
import { gpuRequest, MIG_RESOURCE, PRODUCT_LABEL } from '../manifests/gpu-class.ts';
import type { KubernetesSettings } from '../settings/settings.ts';
import { type GpuFacts, gpuFacts, hasLabels, takesPods } from './nodes.ts';
import { taken } from './pods.ts';
import { quantity } from './quantity.ts';

type InventorySettings = Pick<
  KubernetesSettings,
  'gpuClasses' | 'gpuResource' | 'gpusPerPod' | 'nodeSelector' | 'queue' | 'tolerations'
>;

/**
 * Nodes that are not ready, cordoned, or tainted beyond what our pods tolerate do not count. `pods`: of all namespaces;
 * null where they cannot be seen, and then `free` is null. A GPU may belong to several classes: a product, and the
 * classes of the settings that cover it. From small to large.
 */
export function gpuClassesOf(
  nodes: readonly V1Node[],
  pods: readonly V1Pod[] | null,
  settings: InventorySettings,
): GpuClassInventory[] {
  const usable = nodes.filter((node) => takesPods(node, settings.tolerations));
  const announced = usable.filter((node) => hasLabels(node, settings.nodeSelector));
  const names = new Set([
    ...Object.keys(settings.gpuClasses),
    ...announced.flatMap((node) => classesOf(node, settings)),
  ]);
  return [...names]
    .flatMap((name) => classOf(name, usable, pods, settings))
    .toSorted((a, b) => (a.memoryBytes ?? 0) - (b.memoryBytes ?? 0) || (a.name < b.name ? -1 : 1));
}

/** Names under which GPUs of a node can be asked for without being in the settings. */
function classesOf(node: V1Node, { gpuResource }: InventorySettings): string[] {
  const resources = Object.keys(node.status?.allocatable ?? {}).filter((one) => amount(node, one) > 0);
  const mig = resources.filter((one) => MIG_RESOURCE.test(one) && one !== gpuResource);
  if (!resources.includes(gpuResource)) return mig;
  return [node.metadata?.labels?.[PRODUCT_LABEL] ?? gpuResource, ...mig];
}

function classOf(
  name: string,
  usable: readonly V1Node[],
  pods: readonly V1Pod[] | null,
  settings: InventorySettings,
): GpuClassInventory[] {
  const request = gpuRequest(name, settings);
  if (request === null) return [];
  const { resource, nodeSelector } = request;
  const own = usable.filter((node) => amount(node, resource) > 0 && hasLabels(node, nodeSelector));
  const used = pods === null ? null : taken(pods, resource);
  const counts = own.map((node) => amount(node, resource));
  const facts = common(own.map((node) => gpuFacts(node, resource)));
  return [
    {
      name,
      ...facts,
      mig: facts.mig ?? MIG_RESOURCE.exec(resource)?.[1] ?? null,
      nodes: own.length,
      perNode: Math.max(0, ...counts),
      total: sum(counts),
      free:
        used === null
          ? null
          : sum(own.map((node) => Math.max(0, amount(node, resource) - (used.get(node.metadata?.name ?? '') ?? 0)))),
      pricePerHour: settings.gpuClasses[name]?.pricePerHour ?? null,
    },
  ];
}

/** What all nodes of a class have in common; the smallest memory counts, since a trial may get any of them. */
function common(all: readonly GpuFacts[]): GpuFacts {
  const same = (pick: (facts: GpuFacts) => string | null) => {
    const [first = null, ...others] = new Set(all.map(pick));
    return others.length === 0 ? first : null;
  };
  const memory = all.map(({ memoryBytes }) => memoryBytes);
  return {
    product: same(({ product }) => product),
    memoryBytes: memory.length === 0 || memory.includes(null) ? null : Math.min(...memory.map(Number)),
    computeCapability: same(({ computeCapability }) => computeCapability),
    mig: same(({ mig }) => mig),
  };
}

function amount({ status }: V1Node, resource: string): number {
  return quantity(status?.allocatable?.[resource]) ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

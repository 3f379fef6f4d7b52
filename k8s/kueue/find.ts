/** Whether a cluster has Kueue, and what that means for Jobs. */
import type { ClusterClient } from '../client/client.ts';
import { isClusterError } from '../client/errors.ts';
import type { ClusterObject, Resource } from '../client/resources.ts';
import type { KubernetesSettings } from '../settings/settings.ts';

const GROUP = 'kueue.x-k8s.io';
/** Best first; what is read of Workloads is the same in both. */
const VERSIONS = ['v1beta2', 'v1beta1'];

/** Every API group tells its versions to every account that is logged in. */
const GROUPS: Resource<ClusterObject & { versions?: { version: string }[] }> = {
  base: '',
  plural: 'apis',
  namespaced: false,
};

export function workloads(version: string): Resource<ClusterObject> {
  return { base: `/apis/${GROUP}/${version}`, plural: 'workloads', namespaced: true };
}

/** Where the cluster serves Workloads; null where Kueue is not installed. */
export async function findWorkloads(client: Pick<ClusterClient, 'get'>): Promise<Resource<ClusterObject> | null> {
  try {
    const served = (await client.get(GROUPS, GROUP)).versions?.map(({ version }) => version) ?? [];
    const version = VERSIONS.find((one) => served.includes(one));
    return version === undefined ? null : workloads(version);
  } catch (error) {
    if (isClusterError(error, 'not-found')) return null;
    throw error;
  }
}

/** True where any attempt would be queued. */
export function usesQueues({ queue, gpuClasses }: Pick<KubernetesSettings, 'queue' | 'gpuClasses'>): boolean {
  return queue !== null || Object.values(gpuClasses).some((one) => one.queue !== undefined);
}

/**
 * Settings for a cluster without Kueue: Jobs that start suspended would never be let go. Said once, where people see it:
 * `QUEUES_WITHOUT_KUEUE`.
 */
export function withoutQueues(settings: KubernetesSettings): KubernetesSettings {
  const gpuClasses = Object.entries(settings.gpuClasses).map(([name, { queue: _, ...rest }]) => [name, rest] as const);
  return { ...settings, queue: null, gpuClasses: Object.fromEntries(gpuClasses) };
}

export const QUEUES_WITHOUT_KUEUE =
  'The settings name a queue, and Kueue is not installed in this cluster: Jobs start at once, and only maxParallel limits them.';

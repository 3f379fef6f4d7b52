/** Several pods of one attempt: how they find each other. */
import type { V1EnvVar } from '@kubernetes/client-node';
import type { KubernetesSettings } from '../settings/settings.ts';
import { attemptSelectorLabels } from './identity.ts';

/** One Service for all trials of an installation: pods of Indexed Jobs have names of their own under it. */
export function podsService({ instance, namespace }: Pick<KubernetesSettings, 'instance' | 'namespace'>): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: podsServiceName(instance), namespace },
    spec: {
      clusterIP: 'None',
      selector: attemptSelectorLabels(instance),
      // They look for each other before any of them is ready.
      publishNotReadyAddresses: true,
    },
  };
}

export function podsServiceName(instance: string): string {
  return `lamina-pods-${instance}`.slice(0, 63).replace(/-$/, '');
}

/** For the trainer; Kubernetes adds JOB_COMPLETION_INDEX. */
export function podsEnvironment(pods: number, jobName: string, service: string): V1EnvVar[] {
  if (pods === 1) return [];
  return [
    { name: 'LAMINA_NODES', value: String(pods) },
    { name: 'LAMINA_MASTER_ADDRESS', value: `${jobName}-0.${service}` },
  ];
}

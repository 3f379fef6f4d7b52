/** The pod of an attempt, within Kubernetes' `restricted` profile as long as no volume is a path of the node. */
import type { V1PodSpec } from '@kubernetes/client-node';
import type { AttemptLaunch } from '@lamina/domain/contract/runner.ts';
import type { KubernetesSettings } from '../settings.ts';
import { trainerContainer } from './container.ts';
import type { GpuRequest } from './gpu-class.ts';
import { avoidNodes, tolerations } from './placement.ts';
import { volumesOf } from './volumes.ts';

export function podSpec(launch: AttemptLaunch, settings: KubernetesSettings, gpu: GpuRequest): V1PodSpec {
  const { volumes, mounts } = volumesOf(settings);
  const affinity = avoidNodes(launch.request.plan.excludedNodes);
  return {
    restartPolicy: 'Never',
    // With 0 the pod would be gone from the API before its process is.
    terminationGracePeriodSeconds: Math.max(1, Math.ceil(launch.graceSeconds)),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(settings.serviceAccount !== null && { serviceAccountName: settings.serviceAccount }),
    ...(settings.priorityClass !== null && { priorityClassName: settings.priorityClass }),
    ...(settings.runtimeClass !== null && { runtimeClassName: settings.runtimeClass }),
    ...(settings.imagePullSecrets.length > 0 && {
      imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })),
    }),
    ...(Object.keys(gpu.nodeSelector).length > 0 && { nodeSelector: { ...gpu.nodeSelector } }),
    ...(affinity !== null && { affinity }),
    tolerations: tolerations(settings),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: settings.runAsUser,
      runAsGroup: settings.runAsGroup,
      fsGroup: settings.runAsGroup,
      // Walking through every file of a shared volume at each start takes minutes.
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [trainerContainer(launch, settings, gpu.resource, mounts)],
    volumes,
  };
}

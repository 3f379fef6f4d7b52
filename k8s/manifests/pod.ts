/** The pod of an attempt, within Kubernetes' `restricted` profile as long as no volume is a path of the node. */
import type { V1PodSpec } from '@kubernetes/client-node';
import type { AttemptLaunch, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import type { KubernetesSettings } from '../settings/settings.ts';
import { trainerContainer } from './container.ts';
import type { GpuRequest } from './gpu-class.ts';
import { avoidNodes, tolerations } from './placement.ts';
import { podsEnvironment, podsServiceName } from './pods.ts';
import { volumesOf } from './volumes.ts';

/** `pods`: how many the attempt has, under the Job's name. */
export function podSpec(
  launch: AttemptLaunch<AttemptRequest>,
  settings: KubernetesSettings,
  gpu: GpuRequest,
  { pods, jobName }: { readonly pods: number; readonly jobName: string },
): V1PodSpec {
  const { volumes, mounts } = volumesOf(settings);
  const { gpus, excludedNodes } = launch.request.plan;
  const affinity = avoidNodes(excludedNodes);
  const service = podsServiceName(settings.instance);
  const share = { gpuResource: gpu.resource, gpus: gpus / pods, env: podsEnvironment(pods, jobName, service) };
  return {
    restartPolicy: 'Never',
    // With 0 the pod would be gone from the API before its process is.
    terminationGracePeriodSeconds: Math.max(1, Math.ceil(launch.graceSeconds)),
    ...(pods > 1 && { subdomain: service }),
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
    containers: [trainerContainer(launch, settings, share, mounts)],
    volumes,
  };
}

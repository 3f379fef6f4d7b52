/** A queue of Kueue in which one trial has room, and a Job that goes first. */
import type { Context } from './situation.ts';

export const QUEUE = 'recorded';
const API = 'kueue.x-k8s.io/v1beta2';

export function queueObjects(namespace: string): object[] {
  const resources = [
    { name: 'cpu', nominalQuota: '15m' },
    { name: 'memory', nominalQuota: '1Ti' },
  ];
  return [
    { apiVersion: API, kind: 'ResourceFlavor', metadata: { name: QUEUE }, spec: {} },
    { apiVersion: API, kind: 'WorkloadPriorityClass', metadata: { name: QUEUE }, value: 1000 },
    {
      apiVersion: API,
      kind: 'ClusterQueue',
      metadata: { name: QUEUE },
      spec: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        preemption: { withinClusterQueue: 'LowerPriority' },
        resourceGroups: [{ coveredResources: ['cpu', 'memory'], flavors: [{ name: QUEUE, resources }] }],
      },
    },
    { apiVersion: API, kind: 'LocalQueue', metadata: { name: QUEUE }, spec: { clusterQueue: QUEUE } },
  ];
}

export function urgentJob({ cluster, namespace }: Context): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: 'urgent',
      namespace,
      labels: { 'kueue.x-k8s.io/queue-name': QUEUE, 'kueue.x-k8s.io/priority-class': QUEUE },
    },
    spec: {
      suspend: true,
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'main',
              image: cluster.images.busybox,
              imagePullPolicy: 'Never',
              command: ['sleep', '20'],
              resources: { requests: { cpu: '10m' } },
            },
          ],
        },
      },
    },
  };
}

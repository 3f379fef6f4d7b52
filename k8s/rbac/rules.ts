/**
 * What the worker may do in a cluster: each verb that it uses, and no other. A test runs it with exactly these rules,
 * and again with each verb taken away.
 */
import type { V1PolicyRule } from '@kubernetes/client-node';
import { usesQueues } from '../kueue/find.ts';
import { leaseName } from '../names.ts';
import type { KubernetesSettings } from '../settings/settings.ts';

type RbacSettings = Pick<KubernetesSettings, 'instance' | 'queue' | 'gpuClasses'>;

/** In the namespace of the trials. */
export function workerRules(settings: RbacSettings): V1PolicyRule[] {
  return [
    rule('batch', 'jobs', ['create', 'get', 'list', 'watch', 'delete', 'deletecollection']),
    rule('', 'pods', ['list', 'watch', 'delete']),
    rule('', 'pods/log', ['get']),
    rule('', 'events', ['list']),
    // A name cannot be asked for before there is something with it.
    rule('coordination.k8s.io', 'leases', ['create']),
    rule('coordination.k8s.io', 'leases', ['get', 'update'], [leaseName(settings.instance)]),
    ...(usesQueues(settings) ? [rule('kueue.x-k8s.io', 'workloads', ['list'])] : []),
  ];
}

/** In the whole cluster. Without the second rule it works as well, and nobody knows how many GPUs are free. */
export function clusterRules(): V1PolicyRule[] {
  return [rule('', 'nodes', ['list', 'watch']), rule('', 'pods', ['list'])];
}

function rule(group: string, resource: string, verbs: string[], resourceNames?: string[]): V1PolicyRule {
  const of = { apiGroups: [group], resources: [resource], verbs };
  return resourceNames === undefined ? of : { ...of, resourceNames };
}

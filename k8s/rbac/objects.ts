/** The objects that grant the worker its rights. Pure; `npm run kubernetes:objects` prints them. */
import type { KubernetesSettings } from '../settings/settings.ts';
import { clusterRules, workerRules } from './rules.ts';

const API = 'rbac.authorization.k8s.io';

export interface WorkerAccount {
  readonly name: string;
  readonly namespace: string;
}

/** `account`: what the worker runs as. Names of cluster-wide objects tell installations apart. */
export function rbacObjects(settings: KubernetesSettings, account: WorkerAccount): object[] {
  const { namespace, instance } = settings;
  const metadata = { name: 'lamina-worker', labels: { 'app.kubernetes.io/instance': instance } };
  const inNamespace = { ...metadata, name: `lamina-worker-${instance}`, namespace };
  const inCluster = { ...metadata, name: `lamina-worker-${namespace}-${instance}` };
  const subjects = [{ kind: 'ServiceAccount', ...account }];
  const version = { apiVersion: `${API}/v1` };
  return [
    { ...version, kind: 'Role', metadata: inNamespace, rules: workerRules(settings) },
    {
      ...version,
      kind: 'RoleBinding',
      metadata: inNamespace,
      roleRef: { apiGroup: API, kind: 'Role', name: inNamespace.name },
      subjects,
    },
    { ...version, kind: 'ClusterRole', metadata: inCluster, rules: clusterRules() },
    {
      ...version,
      kind: 'ClusterRoleBinding',
      metadata: inCluster,
      roleRef: { apiGroup: API, kind: 'ClusterRole', name: inCluster.name },
      subjects,
    },
  ];
}

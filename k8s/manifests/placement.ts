/** On which nodes an attempt may run. */
import type { V1Affinity, V1Toleration } from '@kubernetes/client-node';
import type { KubernetesSettings } from '../settings/settings.ts';

const NODE_LOST_TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/**
 * Excluded nodes by their names, which is what failures are reported with: the label kubernetes.io/hostname is another
 * string on several clouds. A field takes one value per requirement; the requirements of a term are all to be met.
 */
export function avoidNodes(names: readonly string[]): V1Affinity | null {
  if (names.length === 0) return null;
  const matchFields = [...new Set(names)].map((node) => ({ key: 'metadata.name', operator: 'NotIn', values: [node] }));
  return {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } },
  };
}

/** The cluster would add tolerations for lost nodes itself, of five minutes. */
export function tolerations(settings: Pick<KubernetesSettings, 'tolerations' | 'lostNodeSeconds'>): V1Toleration[] {
  const own = settings.tolerations.map(stripped);
  const missing = NODE_LOST_TAINTS.filter((key) => !own.some((one) => one.key === key));
  return [
    ...own,
    ...missing.map((key) => ({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: settings.lostNodeSeconds,
    })),
  ];
}

function stripped(toleration: KubernetesSettings['tolerations'][number]): V1Toleration {
  return Object.fromEntries(Object.entries(toleration).filter(([, value]) => value !== undefined));
}

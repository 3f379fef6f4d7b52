/** What pods take from a node. */
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { quantity } from './quantity.ts';

/** Amounts of one extended resource by the names of the nodes that pods hold them on. */
export function taken(pods: readonly V1Pod[], resource: string): ReadonlyMap<string, number> {
  const byNode = new Map<string, number>();
  for (const pod of pods) {
    const node = pod.spec?.nodeName;
    if (!node || ['Succeeded', 'Failed'].includes(pod.status?.phase ?? '')) continue;
    const amount = requested(pod, resource);
    if (amount > 0) byNode.set(node, (byNode.get(node) ?? 0) + amount);
  }
  return byNode;
}

/**
 * As the scheduler counts: containers that run together, or whichever init container needs more. Init containers that
 * restart (sidecars) stay alongside everything that starts after them.
 */
function requested(pod: V1Pod, resource: string): number {
  const of = ({ resources }: V1Container) =>
    quantity(resources?.requests?.[resource] ?? resources?.limits?.[resource]) ?? 0;
  let sidecars = 0;
  let most = 0;
  for (const container of pod.spec?.initContainers ?? []) {
    most = Math.max(most, sidecars + of(container));
    if (container.restartPolicy === 'Always') sidecars += of(container);
  }
  const together = (pod.spec?.containers ?? []).reduce((sum, container) => sum + of(container), sidecars);
  return Math.max(most, together);
}

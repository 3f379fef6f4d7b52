/** Pods that wait for a node which does not answer to end them. Pure. */
import type { V1Node, V1Pod } from '@kubernetes/client-node';
import type { Surroundings } from './observe.ts';

export interface StuckPod {
  readonly name: string;
  readonly uid: string;
  readonly node: string;
}

/** A node that is only slow to say so gets a little longer than the pod's grace period. */
const SLACK_MS = 5_000;

export function stuckPods(
  pods: readonly V1Pod[],
  { nodes, nowMs }: Pick<Surroundings, 'nodes' | 'nowMs'>,
): readonly StuckPod[] {
  return pods.flatMap(({ metadata, spec }) => {
    const due: unknown = metadata?.deletionTimestamp;
    const node = spec?.nodeName;
    if (typeof due !== 'string' || node === undefined || Date.parse(due) + SLACK_MS > nowMs) return [];
    if (!answersNot(nodes.get(node))) return [];
    const { name, uid } = metadata ?? {};
    return name === undefined || uid === undefined ? [] : [{ name, uid, node }];
  });
}

/** Where nothing is known of a node, nothing is done. */
function answersNot(node: V1Node | undefined): boolean {
  const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready !== undefined && ready.status !== 'True';
}

/** What the runner knows of the cluster, kept up to date by watches: attempts with their Jobs and pods, and nodes. */
import type { V1Node } from '@kubernetes/client-node';
import type { ClusterClient, ClusterLog } from '../client/client.ts';
import { ClusterError } from '../client/errors.ts';
import { JOBS, NODES, PODS } from '../client/resources.ts';
import { attemptOf, attemptSelector } from '../manifests/identity.ts';
import { type AttemptEntry, AttemptTable } from '../watch/attempts.ts';
import { type Reflector, startReflector } from '../watch/reflector.ts';
import { slimJob, slimNode, slimPod } from '../watch/slim.ts';

export interface ClusterCache {
  readonly attempts: AttemptTable;
  readonly nodes: ReadonlyMap<string, V1Node>;
  /** Why the nodes are not known; null where they are. Resolves once they have been asked for. */
  nodesProblem(): Promise<string | null>;
  /** Resolves when Jobs and pods have been seen once; rejects where that takes too long. */
  ready(): Promise<void>;
  /** Holds what is known of an experiment against the cluster, so that what a watch missed is not called missing. */
  check(experimentId: string): Promise<void>;
  close(): void;
}

export interface ClusterCacheOptions {
  readonly client: ClusterClient;
  readonly instance: string;
  readonly log: ClusterLog;
  changed(entry: AttemptEntry): void;
  readonly relistMs?: number | undefined;
}

const READY_MS = 30_000;

export function openClusterCache({ client, instance, log, changed, relistMs }: ClusterCacheOptions): ClusterCache {
  const attempts = new AttemptTable(attemptOf, changed);
  const nodes = new Map<string, V1Node>();
  const labelSelector = attemptSelector(instance);
  const common = { client, log, ...(relistMs === undefined ? {} : { relistMs }) };

  const jobs = startReflector({
    ...common,
    resource: JOBS,
    selection: { labelSelector },
    slim: slimJob,
    onList: (items, version) => attempts.replaceJobs(items, version),
    onEvent: (type, job) => (type === 'DELETED' ? attempts.removeJob(job) : attempts.putJob(job)),
  });
  const pods = startReflector({
    ...common,
    resource: PODS,
    selection: { labelSelector },
    slim: slimPod,
    onList: (items, version) => attempts.replacePods(items, version),
    onEvent: (type, pod) => (type === 'DELETED' ? attempts.removePod(pod) : attempts.putPod(pod)),
  });
  const machines = startReflector({
    ...common,
    resource: NODES,
    selection: { namespace: null },
    slim: slimNode,
    // No attempt is woken by news of its node, which comes every few seconds: the lifecycle's tick looks at nodes.
    onList(items) {
      nodes.clear();
      for (const node of items) nodes.set(node.metadata?.name ?? '', node);
    },
    onEvent(type, node) {
      const name = node.metadata?.name ?? '';
      if (type === 'DELETED') nodes.delete(name);
      else nodes.set(name, node);
    },
  });

  async function ready(): Promise<void> {
    const both = Promise.all([jobs.synced, pods.synced]).then(() => true);
    const late = new Promise<false>((resolve) => setTimeout(resolve, READY_MS, false).unref());
    if (await Promise.race([both, late])) return;
    const why = [jobs, pods].map((each) => each.problem()).find((each) => each !== null);
    throw new ClusterError('unreachable', `The cluster has not been seen yet: ${why}`, {
      verb: 'list',
      resource: 'jobs',
    });
  }

  async function check(experimentId: string): Promise<void> {
    const selector = attemptSelector(instance, experimentId);
    const found = await client.list(JOBS, { labelSelector: selector, metadataOnly: true });
    const ids = new Set(found.items.flatMap(({ metadata }) => attemptOf(metadata)?.attemptId ?? []));
    attempts.markMissing(experimentId, ids, found.resourceVersion);
    if ([...ids].every((id) => attempts.get(id)?.job != null)) return;
    const [allJobs, allPods] = await Promise.all([
      client.list(JOBS, { labelSelector: selector }, slimJob),
      client.list(PODS, { labelSelector: selector }, slimPod),
    ]);
    for (const job of allJobs.items) attempts.putJob(job);
    for (const pod of allPods.items) attempts.putPod(pod);
  }

  const all: readonly Reflector[] = [jobs, pods, machines];
  return {
    attempts,
    nodes,
    async nodesProblem() {
      await machines.tried;
      return machines.problem();
    },
    ready,
    check,
    close() {
      for (const each of all) each.close();
    },
  };
}

/** What the cluster shows of one Job, kept as files: trimmed to what a diagnosis may read, without secrets. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  BatchV1Api,
  CoreV1Api,
  type CoreV1Event,
  KubeConfig,
  type V1Job,
  type V1Node,
  type V1Pod,
  Watch,
} from '@kubernetes/client-node';
import { slimJob, slimNode, slimPod } from '@lamina/k8s/watch/slim.ts';

/** The test cluster has no DNS, and says so of every pod. */
const CLUSTERS_OWN = 'MissingClusterDNS';

export interface Seen {
  /** Null where it is gone. */
  readonly job: V1Job | null;
  /** As last seen, also those that are gone. */
  readonly pods: readonly V1Pod[];
  readonly gonePods: readonly string[];
  readonly nodes: Readonly<Record<string, V1Node>>;
  readonly events: readonly CoreV1Event[];
}

const FOLDER = fileURLToPath(new URL('../../../k8s/diagnosis/recorded/', import.meta.url));

export interface Recorder {
  /** Looks at the Job again. */
  look(): Promise<Seen>;
  close(): void;
}

/** Follows the pods by a watch, as the runner does: what a pod was last is seen even where it is gone at once. */
export async function createRecorder(kubeconfig: string, namespace: string, name: string): Promise<Recorder> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const batch = config.makeApiClient(BatchV1Api);
  const pods = new Map<string, V1Pod>();
  const gone = new Set<string>();
  const watching = await new Watch(config).watch(
    `/api/v1/namespaces/${namespace}/pods`,
    { labelSelector: `job-name=${name}` },
    (type: string, pod: V1Pod) => {
      if (type === 'ERROR' || type === 'BOOKMARK') return;
      const uid = pod.metadata?.uid ?? '';
      pods.set(uid, pod);
      if (type === 'DELETED') gone.add(uid);
    },
    () => undefined,
  );

  async function look(): Promise<Seen> {
    const job = await batch.readNamespacedJob({ namespace, name }).catch((error: { code?: number }) => {
      if (error.code === 404) return null;
      throw error;
    });
    // A watch may end without a word.
    const { items: listed } = await core.listNamespacedPod({ namespace, labelSelector: `job-name=${name}` });
    for (const pod of listed) {
      pods.set(pod.metadata?.uid ?? '', pod);
      gone.delete(pod.metadata?.uid ?? '');
    }
    for (const uid of pods.keys()) if (!listed.some((pod) => pod.metadata?.uid === uid)) gone.add(uid);
    const { items: events } = await core.listNamespacedEvent({ namespace });
    const mine = [...pods.values()];
    const names = new Set(mine.flatMap((pod) => pod.spec?.nodeName ?? []));
    const nodes = await Promise.all([...names].map((node) => core.readNode({ name: node }).catch(() => null)));
    return {
      job,
      pods: mine,
      gonePods: [...gone],
      nodes: Object.fromEntries(nodes.flatMap((node) => (node === null ? [] : [[node.metadata?.name ?? '', node]]))),
      events: events.filter(({ reason, involvedObject: { kind = '', name: of = '' } }) => {
        if (reason === CLUSTERS_OWN) return false;
        return kind === 'Job' ? of === name : kind === 'Pod' && mine.some((pod) => pod.metadata?.name === of);
      }),
    };
  }

  return { look, close: () => watching.abort() };
}

export function save(name: string, about: string, origin: string, seen: Seen, nowMs: number): void {
  const recording = {
    about,
    origin,
    nowMs,
    job: seen.job === null ? null : slimJob(seen.job),
    pods: seen.pods.map(trimPod),
    gonePods: seen.gonePods,
    nodes: Object.fromEntries(Object.entries(seen.nodes).map(([node, object]) => [node, trimNode(object)])),
    events: seen.events.map(trimEvent),
  };
  const text = `${JSON.stringify(recording, withoutNoise, 2)}\n`;
  writeFileSync(`${FOLDER}${name}.json`, sameIdentities(text, seen));
}

const NOISE = new Set([
  'allocatedResources',
  'annotations',
  'containerID',
  'generation',
  'imageID',
  'lastProbeTime',
  'observedGeneration',
  'ownerReferences',
  'qosClass',
  'resourceVersion',
  'uncountedTerminatedPods',
  'user',
  'volumeMounts',
]);

function withoutNoise(key: string, value: unknown): unknown {
  return NOISE.has(key) || value === null || value === '' ? undefined : value;
}

function trimPod(pod: V1Pod): object {
  const { metadata, ...rest } = slimPod(pod);
  const { labels: _, ...kept } = metadata ?? {};
  return { metadata: kept, ...rest };
}

function trimNode(node: V1Node): object {
  const { metadata, spec, status } = slimNode(node);
  const conditions = status?.conditions?.filter((one) => one.type === 'Ready');
  return { metadata: { name: metadata?.name }, spec, status: { conditions } };
}

function trimEvent({
  reason,
  message,
  type,
  count,
  involvedObject,
  firstTimestamp,
  lastTimestamp,
  eventTime,
}: CoreV1Event) {
  const { kind, name } = involvedObject;
  return { reason, message, type, count, involvedObject: { kind, name }, firstTimestamp, lastTimestamp, eventTime };
}

/** Random ids become running numbers, so that a second recording differs in its times alone; this machine is not named. */
function sameIdentities(text: string, { job, pods }: Seen): string {
  const jobName = job?.metadata?.name ?? pods[0]?.metadata?.labels?.['job-name'] ?? '';
  const placeless = text
    .replace(/\b\d+\.\d+\.\d+\.\d+(?::\d+)?/g, '192.0.2.1')
    .replace(/\/[^\s"]*\/pod-logs\//g, '/var/log/pods/');
  const renamed = pods.reduce((all, { metadata }, index) => {
    return all
      .replaceAll(metadata?.name ?? '', `${jobName}-${index}`)
      .replaceAll(metadata?.uid ?? '', `pod-uid-${index}`);
  }, placeless);
  return job?.metadata?.uid === undefined ? renamed : renamed.replaceAll(job.metadata.uid, 'job-uid');
}

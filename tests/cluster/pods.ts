/** Small Jobs for the cluster's own test, and what became of their pods. */
import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '../support/cluster.ts';
import { until } from './shell.ts';

interface JobOptions {
  readonly command: string | readonly string[];
  readonly image?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string | number>>;
  readonly select?: Readonly<Record<string, string>>;
  readonly node?: string;
  readonly toleration?: object;
  /** Folder of the host, at /host. */
  readonly mount?: string;
  readonly volumes?: readonly { name: string; mountPath: string; readOnly: boolean; source: object }[];
  readonly grace?: number;
  /** Termination message of a fake pod. */
  readonly says?: string;
  readonly queue?: string;
}

export interface PodFacts {
  readonly pod: string;
  readonly node: string;
  readonly ip: string;
  readonly exitCode: number | null;
  readonly reason: string | null;
  readonly terminationMessage: string | null;
  /** Why it could not be scheduled. */
  readonly message: string;
  readonly disrupted: string | null;
}

type Stage = 'running' | 'ended' | 'unschedulable' | 'disrupted';

export function podFacts(cluster: Cluster, namespace: string) {
  const run = (job: object): Promise<void> => cluster.apply(job);

  function job(name: string, options: JobOptions): object {
    const { command, image = cluster.images.busybox, env = {}, limits = {}, queue, says, mount, grace = 5 } = options;
    const mounts =
      mount === undefined ? [] : [{ name: 'host', mountPath: '/host', readOnly: false, source: { hostPath: mount } }];
    const volumes = [...mounts, ...(options.volumes ?? [])];
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name,
        namespace,
        ...(queue === undefined ? {} : { labels: { 'kueue.x-k8s.io/queue-name': queue } }),
      },
      spec: {
        backoffLimit: 0,
        ...(queue === undefined ? {} : { suspend: true }),
        template: {
          metadata: { annotations: says === undefined ? {} : { 'lamina.test/says': says } },
          spec: {
            restartPolicy: 'Never',
            terminationGracePeriodSeconds: grace,
            automountServiceAccountToken: false,
            nodeSelector: { ...options.select, ...(options.node && { 'kubernetes.io/hostname': options.node }) },
            ...(options.toleration && { tolerations: [options.toleration] }),
            securityContext: { runAsUser: 65_532, runAsGroup: 65_532, runAsNonRoot: true },
            containers: [
              {
                name: 'main',
                image,
                imagePullPolicy: 'Never',
                command: typeof command === 'string' ? ['sh', '-c', command] : command,
                env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
                resources: { limits },
                securityContext: { readOnlyRootFilesystem: true },
                volumeMounts: [
                  { name: 'scratch', mountPath: '/tmp' },
                  ...volumes.map(({ name: volume, mountPath, readOnly }) => ({ name: volume, mountPath, readOnly })),
                ],
              },
            ],
            volumes: [
              { name: 'scratch', emptyDir: {} },
              ...volumes.map(({ name: volume, source }) => ({ name: volume, ...hostPath(source) })),
            ],
          },
        },
      },
    };
  }

  /** Facts about the Job's pod, as soon as it has come that far. */
  async function facts(name: string, stage: Stage): Promise<PodFacts> {
    let last: PodFacts | null = null;
    await until(`${name} is ${stage}`, 90, async () => {
      const list = await cluster.kubectlJson<{ items: V1Pod[] }>(
        '-n',
        namespace,
        'get',
        'pods',
        '-l',
        `job-name=${name}`,
      );
      const pod = list.items[0];
      if (pod === undefined) return false;
      last = describe(pod);
      return reached(pod, last, stage);
    });
    if (last === null) throw new Error(`no pod of ${name}`);
    return last;
  }

  return { run, job, facts };
}

const hostPath = (source: object): object =>
  'hostPath' in source ? { hostPath: { path: (source as { hostPath: string }).hostPath } } : source;

function reached(pod: V1Pod, facts: PodFacts, stage: Stage): boolean {
  switch (stage) {
    case 'running':
      return pod.status?.phase === 'Running';
    case 'ended':
      return facts.exitCode !== null;
    case 'unschedulable':
      return facts.message !== '';
    case 'disrupted':
      return facts.disrupted !== null;
  }
}

function describe(pod: V1Pod): PodFacts {
  const terminated = pod.status?.containerStatuses?.[0]?.state?.terminated;
  const condition = (type: string) => pod.status?.conditions?.find((each) => each.type === type);
  const scheduled = condition('PodScheduled');
  return {
    pod: pod.metadata?.name ?? '',
    node: pod.spec?.nodeName ?? '',
    ip: pod.status?.podIP ?? '',
    exitCode: terminated?.exitCode ?? null,
    reason: terminated?.reason ?? null,
    terminationMessage: terminated?.message ?? null,
    message: scheduled?.status === 'False' ? (scheduled.message ?? '') : '',
    disrupted: condition('DisruptionTarget')?.reason ?? null,
  };
}

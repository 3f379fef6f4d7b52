/** Attempts that something in the cluster takes away. */
import { RESUMABLE } from './endings.ts';
import { QUEUE, queueObjects, urgentJob } from './queue.ts';
import { type Context, ended, event, podsEnded, running, type Situation } from './situation.ts';

const UNSAVED = 'while :; do sleep 0.2; done';
const SLOT = 'lamina.test/slot';

const kubectl = ({ cluster, namespace }: Context, ...args: string[]): Promise<string> =>
  cluster.kubectl(['-n', namespace, ...args]);

const nameOf = ({ pod }: Context): string => pod?.metadata?.name ?? '';
const nodeOf = ({ pod }: Context): string => pod?.spec?.nodeName ?? '';

async function slots(context: Context, count: number): Promise<void> {
  const patch = ['capacity', 'allocatable'].map((of) => {
    return { op: 'add', path: `/status/${of}/${SLOT.replace('/', '~1')}`, value: String(count) };
  });
  await context.cluster.kubectl([
    'patch',
    'node',
    'node1',
    '--subresource=status',
    '--type=json',
    '-p',
    JSON.stringify(patch),
  ]);
}

/** Without a kubelet: ready until the cluster misses its signs of life. */
const fakeNode = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
  spec: { taints: [{ key: 'lamina.test/recording', effect: 'NoSchedule' }] },
  status: { conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }] },
});

export const DISRUPTIONS: Readonly<Record<string, Situation>> = {
  evicted: {
    about: 'the Eviction API, as a drain uses it; a checkpoint is saved',
    script: RESUMABLE,
    when: running,
    act: async (context) => context.cluster.faults.evict(context.namespace, nameOf(context)),
    done: ended,
  },
  'evicted-unsaved': {
    about: 'the Eviction API, and the process dies of SIGKILL after its grace period',
    script: UNSAVED,
    limits: { graceSeconds: 1 },
    when: running,
    act: async (context) => context.cluster.faults.evict(context.namespace, nameOf(context)),
    done: ended,
  },
  preempted: {
    about: 'a pod of higher priority takes the place',
    script: RESUMABLE,
    prepare: (context) => slots(context, 1),
    objects: [
      {
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name: 'lamina-recording' },
        value: 1000,
      },
    ],
    change: (job) => {
      const spec = job.spec?.template.spec;
      if (spec?.containers[0] === undefined) return;
      spec.nodeSelector = { 'kubernetes.io/hostname': 'node1' };
      spec.containers[0].resources = { limits: { [SLOT]: '1' } };
    },
    when: (seen) => {
      return running(seen);
    },
    act: async (context) => {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'preemptor', namespace: context.namespace },
        spec: {
          priorityClassName: 'lamina-recording',
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 1,
          nodeSelector: { 'kubernetes.io/hostname': 'node1' },
          containers: [
            {
              name: 'main',
              image: context.cluster.images.busybox,
              imagePullPolicy: 'Never',
              command: ['true'],
              resources: { limits: { [SLOT]: '1' } },
            },
          ],
        },
      };
      await context.cluster.apply(pod);
    },
    done: ended,
    undo: async (context) => {
      await kubectl(context, 'delete', 'pod', 'preemptor', '--wait=false', '--ignore-not-found');
      await context.cluster.kubectl(['delete', 'priorityclass', 'lamina-recording', '--ignore-not-found']);
      await slots(context, 0);
    },
  },
  'job-deleted': {
    about: 'the Job is deleted while the trial runs',
    script: RESUMABLE,
    when: running,
    act: async (context) => context.cluster.faults.deleteJob(context.namespace, context.job),
    done: (seen) => seen.job === null && podsEnded(seen),
  },
  'job-deleted-pending': {
    about: 'the Job is deleted while its pod waits for a node',
    settings: { nodeSelector: { 'kubernetes.io/hostname': 'nowhere' } },
    when: (seen) => seen.pods.length > 0,
    act: async (context) => context.cluster.faults.deleteJob(context.namespace, context.job),
    done: (seen) => seen.job === null && podsEnded(seen),
  },
  'pod-deleted': {
    about: 'the pod alone is deleted',
    script: RESUMABLE,
    when: running,
    act: async (context) => void (await kubectl(context, 'delete', 'pod', nameOf(context), '--wait=false')),
    done: ended,
  },
  'pod-force-deleted': {
    about: 'the pod alone is deleted at once, without waiting for its process',
    script: UNSAVED,
    when: running,
    act: async (context) =>
      void (await kubectl(context, 'delete', 'pod', nameOf(context), '--force', '--grace-period=0', '--wait=false')),
    done: ended,
  },
  suspended: {
    about: 'the Job is suspended while it runs, as a queue does that takes the place back',
    script: RESUMABLE,
    when: running,
    act: async (context) =>
      void (await kubectl(context, 'patch', 'job', context.job, '-p', '{"spec":{"suspend":true}}')),
    done: podsEnded,
  },
  'queue-preempted': {
    about: 'Kueue takes the place back for a Job of higher priority',
    script: RESUMABLE,
    settings: { queue: QUEUE },
    prepare: ({ cluster }) => cluster.kueue.start(),
    objects: queueObjects('lamina-recording'),
    when: running,
    act: async (context) => context.cluster.apply(urgentJob(context)),
    done: (seen) => podsEnded(seen) && seen.job?.spec?.suspend === true && event('Stopped')(seen),
    undo: async (context) => {
      await kubectl(context, 'delete', 'job', 'urgent', '--wait=false', '--ignore-not-found');
      await kubectl(context, 'delete', 'localqueue', QUEUE, '--wait=false', '--ignore-not-found');
      for (const kind of ['clusterqueue', 'resourceflavor', 'workloadpriorityclass'])
        await context.cluster.kubectl(['delete', kind, QUEUE, '--wait=false', '--ignore-not-found']);
    },
  },
  'out-of-cpu': {
    about: 'bound to a node without enough CPU: the kubelet refuses',
    settings: { cpu: '64' },
    change: (job) => {
      if (job.spec?.template.spec) job.spec.template.spec.nodeName = 'node1';
    },
  },
  'out-of-gpu': {
    about: 'bound to a node without enough GPUs: the kubelet refuses',
    plan: { gpus: 64 },
    change: (job) => {
      if (job.spec?.template.spec) job.spec.template.spec.nodeName = 'node1';
    },
  },
  'node-affinity': {
    about: 'bound to a node whose labels do not match: the kubelet refuses',
    settings: { nodeSelector: { 'kubernetes.io/hostname': 'node2' } },
    change: (job) => {
      if (job.spec?.template.spec) job.spec.template.spec.nodeName = 'node1';
    },
  },
  'node-deleted': {
    about: 'the node is removed from the cluster while the pod is bound to it',
    objects: [fakeNode('recorded-deleted')],
    change: (job) => {
      const spec = job.spec?.template.spec;
      if (spec) Object.assign(spec, { nodeName: 'recorded-deleted', tolerations: [{ operator: 'Exists' }] });
    },
    when: (seen) => seen.pods.some((pod) => pod.spec?.nodeName !== undefined),
    act: async (context) => void (await context.cluster.kubectl(['delete', 'node', 'recorded-deleted'])),
    done: ended,
    seconds: 180,
  },
  'node-lost': {
    about: 'the kubelet of the node has stopped, and the pod cannot be ended',
    disruptive: true,
    script: RESUMABLE,
    limits: { graceSeconds: 2 },
    settings: { nodeSelector: { 'kubernetes.io/hostname': 'node2' } },
    when: running,
    act: async (context) => context.cluster.faults.stopKubelet(nodeOf(context)),
    done: (seen) =>
      seen.pods.some(({ metadata }) => {
        const due: unknown = metadata?.deletionTimestamp;
        return due !== undefined && Date.parse(String(due)) < Date.now();
      }),
    undo: async (context) => context.cluster.faults.startKubelet('node2'),
    seconds: 180,
  },
};

/** Attempts that cannot start. */
import { event, type Situation, unscheduled, waits } from './situation.ts';

const ABSENT_REGISTRY = 'registry.invalid/lamina/trainer:1';

export const WAITINGS: Readonly<Record<string, Situation>> = {
  'image-pull': {
    about: 'the registry cannot be reached',
    settings: { image: ABSENT_REGISTRY, imagePullPolicy: 'IfNotPresent' },
    done: waits('ImagePullBackOff'),
    seconds: 120,
  },
  'image-pull-first': {
    about: 'the first failed pull',
    settings: { image: ABSENT_REGISTRY, imagePullPolicy: 'Always' },
    done: waits('ErrImagePull'),
    seconds: 120,
  },
  'image-never-pull': {
    about: 'the image is not on the node and may not be pulled',
    settings: { image: 'lamina.test/none:1' },
    done: waits('ErrImageNeverPull'),
  },
  'image-name': {
    about: 'no name of an image',
    settings: { image: 'Lamina/Trainer:1' },
    done: waits('InvalidImageName'),
  },
  'secret-missing': {
    about: 'variables from a Secret that does not exist',
    settings: { envFromSecrets: ['hf-token'] },
    done: waits('CreateContainerConfigError'),
  },
  'runs-as-root': {
    about: 'the image runs as root and the pod forbids it',
    change: (job) => {
      const context = job.spec?.template.spec?.securityContext;
      if (context) context.runAsUser = 0;
    },
    done: waits('CreateContainerConfigError'),
  },
  'secret-volume-missing': {
    about: 'a volume of a Secret that does not exist',
    settings: { volumes: [{ name: 'keys', mountPath: '/keys', readOnly: true, source: { secret: 'absent-keys' } }] },
    done: event('FailedMount', 'not found'),
  },
  'config-volume-missing': {
    about: 'a volume of a ConfigMap that does not exist',
    settings: { volumes: [{ name: 'recipes', mountPath: '/r', readOnly: true, source: { configMap: 'recipes' } }] },
    done: event('FailedMount', 'not found'),
  },
  'host-folder-missing': {
    about: 'a folder that the node does not have',
    settings: { artifacts: { source: { hostPath: '/srv/no-such-folder' }, mountPath: '/artifacts' } },
    done: event('FailedMount'),
  },
  'claim-missing': {
    about: 'a volume claim that does not exist',
    settings: { artifacts: { source: { persistentVolumeClaim: 'artifacts' }, mountPath: '/artifacts' } },
    done: unscheduled,
  },
  'claim-unbound': {
    about: 'a volume claim for which there is no volume',
    objects: [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'unbound' },
        spec: {
          accessModes: ['ReadWriteMany'],
          resources: { requests: { storage: '1Gi' } },
          storageClassName: 'absent',
        },
      },
    ],
    settings: { artifacts: { source: { persistentVolumeClaim: 'unbound' }, mountPath: '/artifacts' } },
    done: unscheduled,
  },
  'too-many-gpus': { about: 'more GPUs than any node has', plan: { gpus: 64 }, done: unscheduled },
  'no-such-product': {
    about: 'a GPU product that no node has',
    plan: { gpus: 1 },
    settings: { nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-B200' } },
    done: unscheduled,
  },
  'deadline-pending': {
    about: 'the deadline passes before a node is found',
    plan: { gpus: 64 },
    limits: { deadlineSeconds: 3 },
    done: (seen) => seen.job?.status?.conditions?.some(({ type }) => type === 'Failed') === true,
  },
  quota: {
    about: "the namespace's quota is used up",
    namespace: {
      name: 'lamina-recording-quota',
      objects: [{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'team' }, spec: { hard: { pods: '0' } } }],
    },
    done: event('FailedCreate'),
  },
  'pod-security': {
    about: 'the namespace forbids paths of the node',
    namespace: {
      name: 'lamina-recording-restricted',
      labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
    },
    settings: { artifacts: { source: { hostPath: '/tmp' }, mountPath: '/artifacts' } },
    done: event('FailedCreate'),
  },
  'service-account-missing': {
    about: 'a service account that does not exist',
    settings: { serviceAccount: 'trainer' },
    done: event('FailedCreate'),
  },
  'priority-class-missing': {
    about: 'a priority class that does not exist',
    settings: { priorityClass: 'research' },
    done: event('FailedCreate'),
  },
  queued: {
    about: 'in a queue, and nothing has let it go yet',
    settings: { queue: 'research' },
    done: (seen) => seen.job !== null && seen.job.spec?.suspend === true,
  },
};

/** How Lamina uses a cluster: one document (YAML or JSON) that a platform team writes. Every mistake has its path. */
import { z } from 'zod';

const name = z.string().min(1).max(253);
const absolute = z.string().startsWith('/');

/** Where a volume's content comes from. */
const volumeSource = z.union([
  z.strictObject({ persistentVolumeClaim: name }),
  z.strictObject({ hostPath: absolute }),
  z.strictObject({ emptyDir: z.strictObject({ sizeLimit: z.string().optional() }) }),
  z.strictObject({ configMap: name }),
  z.strictObject({ secret: name }),
]);
export type VolumeSource = z.infer<typeof volumeSource>;

const extraVolume = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/),
  mountPath: absolute,
  readOnly: z.boolean().default(true),
  source: volumeSource,
});

const toleration = z.strictObject({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});

export const kubernetesSettings = z.strictObject({
  namespace: name.default('lamina').describe('where Jobs are created'),
  instance: z.string().max(63).default('lamina').describe('this installation, in the label app.kubernetes.io/instance'),
  image: z.string().min(1).describe('trainer image'),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  imagePullSecrets: z.array(name).default([]),
  command: z
    .array(z.string())
    .min(1)
    .default(['python', '-m', 'lamina_trainer'])
    .describe('how the trainer starts in the image; its arguments follow'),
  artifacts: z
    .strictObject({
      source: volumeSource,
      mountPath: absolute.default('/var/lib/lamina/artifacts'),
    })
    .describe("the artifact store's folder as pods see it; the worker sees the same volume"),
  cache: z
    .strictObject({ source: volumeSource, mountPath: absolute.default('/var/cache/lamina') })
    .nullable()
    .default(null)
    .describe('folder for models and converted weights, shared by pods; null: a folder in the artifact store'),
  volumes: z.array(extraVolume).default([]).describe('more volumes of the trainer container'),
  env: z.record(z.string(), z.string()).default({}),
  envFromSecrets: z.array(name).default([]).describe('Secrets whose keys become variables, e.g. HF_TOKEN'),
  gpuResource: z.string().default('nvidia.com/gpu').describe('extended resource that stands for one GPU'),
  gpuClasses: z
    .record(
      z.string(),
      z.strictObject({
        nodeSelector: z.record(z.string(), z.string()).default({}),
        resource: z.string().optional().describe('in place of gpuResource, e.g. nvidia.com/mig-3g.40gb'),
        queue: z.string().optional().describe('in place of queue'),
        pricePerHour: z.number().min(0).optional(),
      }),
    )
    .default({})
    .describe('classes by name; products that nodes announce are classes of their own besides'),
  nodeSelector: z.record(z.string(), z.string()).default({}),
  tolerations: z.array(toleration).default([{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]),
  priorityClass: z.string().nullable().default(null),
  runtimeClass: z.string().nullable().default(null),
  serviceAccount: z.string().nullable().default(null),
  queue: z.string().nullable().default(null).describe("Kueue's LocalQueue; null: Jobs are not queued by Kueue"),
  cpu: z.string().default('1').describe('CPU request of a trial'),
  memory: z.string().nullable().default(null).describe('host memory request and limit where a document names none'),
  ttlSeconds: z.int().min(0).default(3600).describe('after which the cluster deletes a Job that nobody deleted'),
  runAsUser: z.int().min(1).default(65_532),
  runAsGroup: z.int().min(1).default(65_532),
  eventsUrl: z.url().nullable().default(null).describe('where pods reach the event intake; null: no live events'),
  requestsPerSecond: z.number().positive().default(50).describe('limit on requests to the API server'),
});
export type KubernetesSettings = z.infer<typeof kubernetesSettings>;

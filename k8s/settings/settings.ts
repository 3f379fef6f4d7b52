/** How Lamina uses a cluster: one document (YAML or JSON) that a platform team writes. Every mistake has its path. */
import { z } from 'zod';
import { crossChecks } from './checks.ts';
import * as f from './formats.ts';

const persistentVolumeClaim = z.strictObject({ persistentVolumeClaim: f.objectName });
const hostPath = z.strictObject({ hostPath: f.hostPath });
const emptyDir = z.strictObject({ emptyDir: z.strictObject({ sizeLimit: f.quantity.optional() }) });

/** Where a volume's content comes from. */
const volumeSource = z.union([
  persistentVolumeClaim,
  hostPath,
  emptyDir,
  z.strictObject({ configMap: f.objectName }),
  z.strictObject({ secret: f.objectName }),
]);
export type VolumeSource = z.infer<typeof volumeSource>;

export const extraVolume = z.strictObject({
  name: f.dnsLabel.describe('of the volume in the pod'),
  mountPath: f.mountPath.describe('where the trainer sees it'),
  readOnly: z.boolean().default(true).describe('false: trials may change it'),
  source: volumeSource.describe('where its content comes from'),
});

const toleration = z.strictObject({
  key: f.labelKey.optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: f.labelValueOrEmpty.optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});

const nodeSelector = f.recordOf(f.labelKey, f.labelValueOrEmpty);

export const gpuClass = z.strictObject({
  nodeSelector: nodeSelector.default({}).describe('labels of its nodes, besides those of every node'),
  resource: f.extendedResource.optional().describe('in place of gpuResource, e.g. nvidia.com/mig-3g.40gb'),
  gpusPerPod: z.int().min(1).optional().describe('in place of gpusPerPod'),
  queue: f.objectName.optional().describe('in place of queue'),
  pricePerHour: z.number().min(0).optional().describe('of one GPU'),
});

export const kubernetesSettings = z
  .strictObject({
    namespace: f.dnsLabel.default('lamina').describe('where Jobs are created'),
    instance: f.dnsLabel
      .default('lamina')
      .describe('this installation, in the label app.kubernetes.io/instance and in names'),
    image: f.image.describe('trainer image'),
    imagePullPolicy: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .default('IfNotPresent')
      .describe('when nodes pull the image'),
    imagePullSecrets: z.array(f.objectName).default([]).describe("Secrets with the registry's credentials"),
    command: z
      .array(z.string().min(1))
      .min(1)
      .default(['python', '-m', 'lamina_trainer'])
      .describe('how the trainer starts in the image; its arguments follow'),
    artifacts: z
      .strictObject({
        source: z.union([persistentVolumeClaim, hostPath]),
        mountPath: f.mountPath.default('/var/lib/lamina/artifacts'),
      })
      .describe("the artifact store's folder as pods see it; the worker sees the same volume"),
    cache: z
      .strictObject({
        source: z.union([persistentVolumeClaim, hostPath, emptyDir]),
        mountPath: f.mountPath.default('/var/cache/lamina'),
      })
      .nullable()
      .default(null)
      .describe('folder for models and converted weights, shared by pods; null: a folder in the artifact store'),
    volumes: z.array(extraVolume).default([]).describe('more volumes of the trainer container'),
    env: f.recordOf(f.variableName, z.string()).default({}).describe('variables of the trainer container'),
    envFromSecrets: z
      .array(f.objectName)
      .default([])
      .describe('Secrets whose keys become variables, e.g. one with HF_TOKEN'),
    apiKeySecrets: z
      .array(f.objectName)
      .default([])
      .describe('Secrets that documents may name for the key of an endpoint that generates their data'),
    gpuResource: f.extendedResource.default('nvidia.com/gpu').describe('extended resource that stands for one GPU'),
    gpusPerPod: z
      .int()
      .min(1)
      .nullable()
      .default(null)
      .describe('a trial that asks for more runs in several pods, on as many nodes; null: always one pod'),
    gpuClasses: z
      .record(z.string().min(1).max(100), gpuClass)
      .default({})
      .describe('classes by name; products that nodes announce are classes of their own besides'),
    nodeSelector: nodeSelector.default({}).describe('labels that every node of a trial has'),
    tolerations: z
      .array(toleration)
      .default([{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }])
      .describe('taints that trials tolerate, as Kubernetes writes tolerations'),
    lostNodeSeconds: z
      .int()
      .min(0)
      .default(60)
      .describe('how long a node may be silent or not ready before its trials are given up'),
    priorityClass: f.objectName.nullable().default(null).describe('PriorityClass of pods'),
    runtimeClass: f.objectName.nullable().default(null).describe('RuntimeClass of pods, e.g. nvidia'),
    serviceAccount: f.objectName
      .nullable()
      .default(null)
      .describe("ServiceAccount of pods; its token is not mounted; null: the namespace's default"),
    queue: f.objectName.nullable().default(null).describe("Kueue's LocalQueue; null: Jobs are not queued by Kueue"),
    cpu: f.quantity.default('1').describe('CPU request of a trial; CPU is not limited'),
    memory: f.quantity
      .nullable()
      .default(null)
      .describe('host memory request and limit where a document names none; null: not limited'),
    keepFinishedSeconds: z
      .int()
      .min(0)
      .default(600)
      .describe(
        'how long the Job of a trial that has succeeded stays to be looked at, at most until its experiment ends',
      ),
    ttlSeconds: z.int().min(0).default(3600).describe('after which the cluster deletes a Job that nobody deleted'),
    runAsUser: z.int().min(1).default(65_532).describe('user of the trainer'),
    runAsGroup: z
      .int()
      .min(1)
      .default(65_532)
      .describe('group of the trainer and of the volumes that can change hands'),
    eventsUrl: f.httpUrl.nullable().default(null).describe('where pods reach the event intake; null: no live events'),
    requestsPerSecond: z.number().positive().default(50).describe('limit on requests to the API server'),
  })
  .superRefine(crossChecks);
export type KubernetesSettings = z.infer<typeof kubernetesSettings>;

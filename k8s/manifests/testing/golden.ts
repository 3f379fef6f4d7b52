/**
 * Manifests that people review as files: one per way to use a cluster. `node k8s/manifests/testing/golden.ts` writes
 * them; the tests compare, and offer each to an API server where there is one.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { readKubernetesSettings } from '../../settings/read.ts';
import type { KubernetesSettings } from '../../settings/settings.ts';
import { jobManifest } from '../job.ts';
import { sampleLaunch } from './launch.ts';

export const FOLDER = join(import.meta.dirname, '..', 'golden');

const CLASSES = {
  'small slice': { resource: 'nvidia.com/mig-1g.10gb', nodeSelector: { 'lamina.dev/pool': 'shared' }, queue: 'slices' },
  large: { nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3' }, pricePerHour: 4 },
};

const CASES: Readonly<
  Record<string, { readonly settings?: object; readonly launch?: Parameters<typeof sampleLaunch>[0] }>
> = {
  'one-gpu': {},
  'cpu-only': { launch: { plan: { gpus: 0 }, launch: { deadlineSeconds: null, graceSeconds: 0 } } },
  'gpus-of-a-product': {
    launch: { plan: { gpus: 4, gpuClass: 'NVIDIA-A100-SXM4-40GB', memoryBytes: 96 * 2 ** 30 } },
  },
  'several-pods': { settings: { gpusPerPod: 8 }, launch: { plan: { gpus: 16, gpuClass: 'NVIDIA-H100-80GB-HBM3' } } },
  'mig-class-queued': {
    settings: { gpuClasses: CLASSES, queue: 'trials', priorityClass: 'research' },
    launch: { plan: { gpuClass: 'small slice' } },
  },
  'another-node-after-a-fault': {
    settings: { gpuClasses: CLASSES },
    launch: { attempt: 3, plan: { gpuClass: 'large', excludedNodes: ['gpu-17', 'gpu-20.example.org'] } },
  },
  'everything-set': {
    settings: {
      namespace: 'team-a',
      instance: 'nightly',
      imagePullPolicy: 'Always',
      imagePullSecrets: ['registry'],
      command: ['/opt/trainer/bin/python', '-m', 'lamina_trainer'],
      cache: { source: { persistentVolumeClaim: 'models' } },
      volumes: [
        { name: 'data', mountPath: '/mnt/data', source: { persistentVolumeClaim: 'datasets' } },
        { name: 'ca', mountPath: '/mnt/ca', source: { configMap: 'ca-bundle' } },
        { name: 'login', mountPath: '/mnt/login', source: { secret: 'hub-login' } },
        { name: 'work', mountPath: '/mnt/work', readOnly: false, source: { emptyDir: { sizeLimit: '20Gi' } } },
      ],
      env: { HF_HUB_OFFLINE: '1', RUN_NAME: '$(LAMINA_POD_NAME)' },
      envFromSecrets: ['hub-token'],
      nodeSelector: { 'kubernetes.io/arch': 'amd64', 'node-role.kubernetes.io/gpu': '' },
      tolerations: [
        { key: 'nvidia.com/gpu', operator: 'Equal', value: 'present', effect: 'NoSchedule' },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 },
      ],
      priorityClass: 'research',
      runtimeClass: 'nvidia',
      serviceAccount: 'trainer',
      cpu: '4',
      memory: '64Gi',
      ttlSeconds: 600,
      runAsUser: 1000,
      runAsGroup: 2000,
    },
  },
  'paths-of-the-node': {
    settings: {
      artifacts: { source: { hostPath: '/srv/lamina/artifacts' } },
      cache: { source: { hostPath: '/srv/lamina/cache' } },
      volumes: [{ name: 'python', mountPath: '/opt/python', source: { hostPath: '/srv/python' } }],
    },
  },
};

/** Files of the folder by name, with what they should hold. */
export function goldenFiles(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(CASES).map(([name, { settings = {}, launch }]) => {
      const job = jobManifest(sampleLaunch(launch), goldenSettings(settings));
      return [`${name}.yaml`, stringify(job, { lineWidth: 0, aliasDuplicateObjects: false })];
    }),
  );
}

export function readGolden(): ReadonlyMap<string, string> {
  return new Map(readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]));
}

export function goldenSettings(settings: object = {}): KubernetesSettings {
  const read = readKubernetesSettings({
    image: 'registry.example.org/lamina/trainer:1.0',
    artifacts: { source: { persistentVolumeClaim: 'artifacts' } },
    ...settings,
  });
  if (!read.ok) throw new Error(JSON.stringify(read.issues));
  return read.settings;
}

if (import.meta.main) {
  const files = goldenFiles();
  for (const [name, content] of files) writeFileSync(join(FOLDER, name), content);
  for (const name of readGolden().keys()) if (!files.has(name)) rmSync(join(FOLDER, name));
}

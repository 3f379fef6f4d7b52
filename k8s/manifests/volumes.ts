/** Folders of an attempt: results, models, scratch. The root file system is read-only. */
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { KubernetesSettings, VolumeSource } from '../settings/settings.ts';

export const HOME = '/home/lamina';

export interface Volumes {
  readonly volumes: V1Volume[];
  readonly mounts: V1VolumeMount[];
}

export function volumesOf(settings: Pick<KubernetesSettings, 'artifacts' | 'cache' | 'volumes'>): Volumes {
  const { artifacts, cache } = settings;
  const all: readonly { volume: V1Volume; mount: V1VolumeMount }[] = [
    folder('artifacts', artifacts.source, artifacts.mountPath),
    ...(cache === null ? [] : [folder('cache', cache.source, cache.mountPath)]),
    ...settings.volumes.map(({ name, source, mountPath, readOnly }) => ({
      volume: { name, ...sourceOf(source, null) },
      mount: { name, mountPath, ...(readOnly && { readOnly }) },
    })),
    scratch('tmp', '/tmp'),
    scratch('home', HOME),
    // Loaders pass batches through it; what containers get by default is 64 MiB. Bounded by the memory limit.
    { volume: { name: 'shm', emptyDir: { medium: 'Memory' } }, mount: { name: 'shm', mountPath: '/dev/shm' } },
  ];
  return { volumes: all.map(({ volume }) => volume), mounts: all.map(({ mount }) => mount) };
}

/** A folder that has to be there: a missing one is said instead of being created for root alone. */
function folder(name: string, source: VolumeSource, mountPath: string) {
  return { volume: { name, ...sourceOf(source, 'Directory') }, mount: { name, mountPath } };
}

function scratch(name: string, mountPath: string) {
  return { volume: { name, emptyDir: {} }, mount: { name, mountPath } };
}

function sourceOf(source: VolumeSource, hostPathType: string | null): Omit<V1Volume, 'name'> {
  if ('persistentVolumeClaim' in source) return { persistentVolumeClaim: { claimName: source.persistentVolumeClaim } };
  if ('hostPath' in source) {
    return { hostPath: { path: source.hostPath, ...(hostPathType !== null && { type: hostPathType }) } };
  }
  if ('configMap' in source) return { configMap: { name: source.configMap } };
  if ('secret' in source) return { secret: { secretName: source.secret } };
  const { sizeLimit } = source.emptyDir;
  return { emptyDir: sizeLimit === undefined ? {} : { sizeLimit } };
}

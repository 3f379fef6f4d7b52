import type { KubernetesSettings, VolumeSource } from '@lamina/k8s/settings/settings.ts';
import type { Mount } from '@lamina/platform/application/ports/runner-facts.ts';

type Volumes = Pick<KubernetesSettings, 'artifacts' | 'cache' | 'volumes'>;

/** What documents may name by path: everything that pods mount, but empty folders. */
export function mountsOf({ artifacts, cache, volumes }: Volumes, artifactRoot: string): readonly Mount[] {
  return [
    { folder: artifactRoot, as: artifacts.mountPath },
    ...mount(artifacts.source, artifacts.mountPath),
    ...(cache === null ? [] : mount(cache.source, cache.mountPath)),
    ...volumes.flatMap(({ source, mountPath }) => mount(source, mountPath)),
  ];
}

function mount(source: VolumeSource, as: string): readonly Mount[] {
  if ('emptyDir' in source) return [];
  return [{ folder: 'hostPath' in source ? source.hostPath : null, as }];
}

/** Where pods keep what they share. */
export function cacheOf({ artifacts, cache }: Volumes): string {
  return cache?.mountPath ?? `${artifacts.mountPath.replace(/\/+$/, '')}/cache`;
}

/** What an administrator creates once, before the first trial. Pure; `npm run kubernetes:objects` prints it as YAML. */
import { stringify } from 'yaml';
import { rbacObjects, type WorkerAccount } from '../rbac/objects.ts';
import type { KubernetesSettings } from '../settings/settings.ts';
import { podsService } from './pods.ts';

export function installation(settings: KubernetesSettings, account: WorkerAccount): string {
  const several = [settings, ...Object.values(settings.gpuClasses)].some((one) => (one.gpusPerPod ?? null) !== null);
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
    ...rbacObjects(settings, account),
    ...(several ? [podsService(settings)] : []),
  ];
  return objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n');
}

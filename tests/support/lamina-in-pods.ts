/** The all-in-one service with the real trainer in pods of the test cluster. */
import type { Cluster } from './cluster.ts';
import { createLaminaFolder, type LaminaFolder } from './lamina-process.ts';
import { type PodSettings, podSettings } from './pod-settings.ts';

export type PodLamina = LaminaFolder & Pick<PodSettings, 'namespace' | 'artifacts' | 'cache'>;

/** A namespace and a folder of its own; everything goes with `remove`. */
export async function createPodLamina(cluster: Cluster): Promise<PodLamina> {
  const settings = await podSettings(cluster);
  const folder = await createLaminaFolder(settings.environment);
  return {
    ...settings,
    ...folder,
    async remove() {
      await folder.remove();
      await settings.remove();
    },
  };
}

import { isAbsolute, resolve } from 'node:path';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { createFingerprints } from './fingerprints.ts';
import { createGpuOffers } from './gpu-offers.ts';
import type { PrepareOptions } from './prepare.ts';
import type { Shapes } from './shapes.ts';

/** What submissions share: one memory of fingerprints and of GGUF headers. */
export interface Submissions {
  options(baseDirectory: string | undefined): PrepareOptions;
}

export function createSubmissions(
  { defaults, store, artifacts }: Pick<ApiDeps, 'defaults' | 'store' | 'artifacts'>,
  shapes: Shapes,
): Submissions {
  const shared = {
    fingerprints: createFingerprints(),
    hubCache: defaults.hubCache,
    artifacts,
    shapes,
    gpus: createGpuOffers(store, shapes),
    async surroundings() {
      const said = await store.getSurroundings();
      if (said === null) throw new ApiError('engine-unavailable', 'no worker has said yet where trials run: start one');
      return said;
    },
    async seesNoGpu() {
      const [said, inventory] = await Promise.all([store.getSurroundings(), store.getGpuInventory()]);
      return said?.device === null && inventory?.source === said.runner && inventory.classes.length === 0;
    },
  };
  return {
    options(baseDirectory) {
      const given = baseDirectory ?? defaults.baseDirectory;
      return { ...shared, baseDirectory: isAbsolute(given) ? given : resolve(defaults.baseDirectory, given) };
    },
  };
}

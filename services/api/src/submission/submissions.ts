import { isAbsolute, resolve } from 'node:path';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { createFingerprints } from './fingerprints.ts';
import { createGpuOffers } from './gpu-offers.ts';
import type { PrepareOptions } from './prepare.ts';
import type { Shapes } from './shapes.ts';

const CPUS = { kind: 'cpu', name: 'the cluster', computeCapability: null, fast16Bit: false } as const;

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
      if (said.device !== null) return said;
      // A cluster without a GPU: trials ask for none and run on its CPUs.
      const inventory = await store.getGpuInventory();
      const none = inventory?.source === said.runner && inventory.classes.length === 0;
      return none ? { ...said, device: CPUS } : said;
    },
  };
  return {
    options(baseDirectory) {
      const given = baseDirectory ?? defaults.baseDirectory;
      return { ...shared, baseDirectory: isAbsolute(given) ? given : resolve(defaults.baseDirectory, given) };
    },
  };
}

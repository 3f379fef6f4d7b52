import { isAbsolute, resolve } from 'node:path';
import type { ApiDeps } from '../deps.ts';
import { createFingerprints } from './fingerprints.ts';
import type { PrepareOptions } from './prepare.ts';

/** What submissions share: one memory of fingerprints and depths. */
export interface Submissions {
  options(baseDirectory: string | undefined): PrepareOptions;
}

export function createSubmissions({ defaults, device, trainerRevision }: ApiDeps): Submissions {
  const shared = {
    fingerprints: createFingerprints(),
    depths: new Map<string, number | null>(),
    hubCache: defaults.hubCache,
    device,
    trainerRevision,
  };
  return {
    options(baseDirectory) {
      const given = baseDirectory ?? defaults.baseDirectory;
      return { ...shared, baseDirectory: isAbsolute(given) ? given : resolve(defaults.baseDirectory, given) };
    },
  };
}

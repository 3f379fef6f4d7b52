import { isAbsolute, resolve } from 'node:path';
import type { ArtifactStore } from '../ports/artifacts.ts';
import { NoWorker } from '../ports/errors.ts';
import type { ExperimentStore } from '../ports/store.ts';
import type { Tracer } from '../ports/tracer.ts';
import { createFingerprints } from './fingerprints.ts';
import { createGpuOffers } from './gpu-offers.ts';
import type { PrepareOptions } from './prepare.ts';
import type { Shapes } from './shapes.ts';

/** What submissions share: one memory of fingerprints and of GGUF headers. */
export interface Submissions {
  /** `patienceMs`: how long to wait for the content of large models; absent: until it is read. */
  options(baseDirectory: string | undefined, patienceMs?: number): PrepareOptions;
}

interface SubmissionDeps {
  readonly store: ExperimentStore;
  readonly artifacts: ArtifactStore;
  readonly defaults: { readonly baseDirectory: string; readonly hubCache: string | null };
  readonly tracer?: Tracer | null;
}

export function createSubmissions(
  { defaults, store, artifacts, tracer = null }: SubmissionDeps,
  shapes: Shapes,
): Submissions {
  const shared = {
    fingerprints: createFingerprints(),
    hubCache: defaults.hubCache,
    artifacts,
    shapes,
    tracer,
    gpus: createGpuOffers(store, shapes),
    preparedBefore: (specHash: string) => store.preparedBefore(specHash),
    async runnerFacts() {
      const said = await store.getRunnerFacts();
      if (said === null) throw new NoWorker('no worker has said yet where trials run: start one');
      return said;
    },
    async seesNoGpu() {
      const [said, inventory] = await Promise.all([store.getRunnerFacts(), store.getGpuInventory()]);
      return said?.device === null && inventory?.source === said.runner && inventory.classes.length === 0;
    },
  };
  return {
    options(baseDirectory, patienceMs) {
      const given = baseDirectory ?? defaults.baseDirectory;
      const folder = isAbsolute(given) ? given : resolve(defaults.baseDirectory, given);
      return { ...shared, baseDirectory: folder, ...(patienceMs !== undefined && { patienceMs }) };
    },
  };
}

/** Where trials find files that API and worker know by other paths. */
import type { ArtifactStore } from '@lamina/platform/application/ports/artifacts.ts';
import { type Mount, seenAs } from '@lamina/platform/application/ports/runner-facts.ts';

export interface TrialPaths {
  /** A folder of the artifact store. */
  artifact(key: string): string;
  /** Folder that trials share: converted weights, tokenized data. */
  readonly cache: string;
  /** A file or folder that a document names. */
  input(path: string): string;
}

/** Paths for trials that run on this machine. `cache`: a folder in the artifact store where absent. */
export function localTrialPaths(artifacts: ArtifactStore, cache?: string): TrialPaths {
  const artifact = (key: string): string => {
    const path = artifacts.localPath(key);
    if (path === null) throw new Error('the artifact store has no folders on this machine, and attempts run here');
    return path;
  };
  return { artifact, cache: cache ?? artifact('cache'), input: (path) => path };
}

/**
 * Paths for trials that see this machine's folders elsewhere, or not at all.
 *
 * @param artifactFolder where trials see the artifact store
 */
export function mountedTrialPaths(artifactFolder: string, cache: string, mounts: readonly Mount[]): TrialPaths {
  return {
    artifact: (key) => `${artifactFolder.replace(/\/+$/, '')}/${key}`,
    cache,
    // What nothing was mounted for was refused at submission, unless the mounts have changed: the trainer then says so.
    input: (path) => seenAs(mounts, path) ?? path,
  };
}

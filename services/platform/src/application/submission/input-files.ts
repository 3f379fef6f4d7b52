/** Trials may run where this machine's files are not: what a document names is found there, or brought there. */
import { realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import type { ArtifactStore } from '../ports/artifacts.ts';
import { type Mount, seenAs } from '../ports/runner-facts.ts';

/** Larger files belong on a volume: copying them would take minutes, and a second copy of the space. */
const LARGEST_COPY_BYTES = 2 * 2 ** 30;

/** Folders that a refusal names. */
const MOST_NAMED = 4;

/** A file that is to be in the artifact store before trials start. */
export interface InputCopy {
  readonly from: string;
  readonly key: string;
}

type Located =
  | { readonly path: string; readonly copy: InputCopy | null }
  | { readonly problem: Pick<Issue, 'message' | 'fix'> };

export interface InputFiles {
  /** True of a path that trials see, whether or not it is on this machine. */
  seen(path: string): boolean;
  /** The path to name in the document, of a file or folder that is on this machine. `sha256`: of a file's content. */
  locate(path: string, what: { readonly sha256: string | null }): Promise<Located>;
}

/** `mounts`: what trials see; null: all of this machine. */
export function createInputFiles(
  mounts: readonly Mount[] | null,
  artifacts: Pick<ArtifactStore, 'localPath'>,
): InputFiles {
  return {
    seen: (path) => mounts !== null && seenAs(mounts, path) !== null,
    async locate(path, { sha256 }) {
      if (mounts === null) return { path, copy: null };
      const real = await realpath(path);
      const seen = [real, path].find((each) => seenAs(mounts, each) !== null);
      if (seen !== undefined) return { path: seen, copy: null };
      const { size } = await stat(real);
      if (sha256 === null) return { problem: unseen(path, mounts, 'folders are not copied') };
      if (size > LARGEST_COPY_BYTES) return { problem: unseen(path, mounts, 'it is too large to be copied') };
      const key = `inputs/${sha256}/${basename(real)}`;
      const stored = artifacts.localPath(key);
      if (stored === null) return { problem: unseen(path, mounts, 'the artifact store takes no copies of files') };
      return { path: stored, copy: { from: real, key } };
    },
  };
}

function unseen(path: string, mounts: readonly Mount[], why: string): Pick<Issue, 'message' | 'fix'> {
  const folders = [...new Set(mounts.map(({ folder, as }) => folder ?? as))].slice(0, MOST_NAMED);
  return {
    message: `${path} is not seen by the pods that run trials, and ${why}`,
    fix: `put it below ${folders.join(' or ')}, name a hub id, or add its folder to the volumes in the cluster's settings`,
  };
}

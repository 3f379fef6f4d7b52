/** Where trials run: what the worker says of it, and what submissions are checked against. */
import { posix, resolve } from 'node:path';
import type { DeviceCapabilities } from '@lamina/domain/matrix/context.ts';

/** A folder that trials see. */
export interface Mount {
  /** The same folder on the machines of API and worker; null where it is not there. */
  readonly folder: string | null;
  /** Where trials see it. */
  readonly as: string;
}

export interface RunnerFacts {
  /** The runner's name. */
  readonly runner: string;
  /** Enters every trial id. */
  readonly trainerRevision: string;
  /** What every trial runs on; null where that depends on the GPU class. */
  readonly device: DeviceCapabilities | null;
  /** GPUs that this machine gives to trials one by one; absent without them, and where a cluster hands them out. */
  readonly devices?: number;
  /** Null: trials run on this machine and see all of it. */
  readonly mounts: readonly Mount[] | null;
}

/**
 * A path of this machine as trials see it; null where they do not. A path that is below no mounted folder but below a
 * mount point is meant as trials see it.
 */
export function seenAs(mounts: readonly Mount[] | null, path: string): string | null {
  if (mounts === null) return path;
  const below = mounts
    .flatMap(({ folder, as }) => {
      const rest = folder === null ? null : within(resolve(folder), path);
      return rest === null ? [] : [{ as, rest }];
    })
    .sort((a, b) => a.rest.length - b.rest.length)[0];
  if (below !== undefined) return posix.join(below.as, below.rest);
  return mounts.some(({ as }) => within(as, path) !== null) ? path : null;
}

function within(folder: string, path: string): string | null {
  const base = folder.replace(/\/+$/, '');
  if (path === base) return '';
  return path.startsWith(`${base}/`) ? path.slice(base.length + 1) : null;
}

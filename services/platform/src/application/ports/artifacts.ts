import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';

/**
 * The artifact store: results, logs, checkpoints. Keys are slash-separated and relative
 * (`experiments/<experiment>/trials/<trial>/attempts/<n>/result.json`, see `attemptFolder`).
 */
export interface ArtifactStore {
  /** Null where there is no such artifact. */
  read(key: string): Promise<Uint8Array | null>;
  /** Bytes from `offset`, for following logs; null where there is no such artifact. */
  readFrom(key: string, offset: number, limit: number): Promise<{ bytes: Uint8Array; size: number } | null>;
  /** Atomic: readers see the old or the new content. */
  write(key: string, content: Uint8Array): Promise<void>;
  /** Copies a file of this machine; one that is there with the same size is left alone. Anyone may read it. */
  copyIn(key: string, file: string): Promise<void>;
  /** A path that a process on this machine can use; null where the store is not a file system. */
  localPath(key: string): string | null;
}

export function trialKey(experimentId: string, trialId: string): string {
  return `experiments/${experimentId}/trials/${trialId}`;
}

/** Key of the folder of an attempt's files. */
export function attemptFolder({ experimentId, trialId, attempt }: Omit<AttemptRef, 'attemptId'>): string {
  return `${trialKey(experimentId, trialId)}/attempts/${attempt}`;
}

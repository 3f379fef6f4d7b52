import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';
import type { AttemptEnd, AttemptLaunch, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import type { StopReason } from './diagnosis.ts';
import { readJson, writeJson } from './files.ts';

/** What is remembered of an attempt beyond our own life. */
export interface IndexEntry extends AttemptRef {
  readonly launchedAt: string;
  readonly deadlineAt: string | null;
  readonly deadlineSeconds: number | null;
  readonly graceSeconds: number;
  readonly bootId: string | null;
  /** The kernel's count of processes killed because memory ran out, at launch. */
  readonly outOfMemoryKills: number | null;
  readonly stop: { readonly reason: StopReason; readonly killAt: string } | null;
  readonly end: AttemptEnd | null;
  /** What is to be launched once its GPUs are free; absent or null once it has been, and where there is no such wait. */
  readonly waiting?: AttemptLaunch<AttemptRequest> | null;
  /** When its wait for other trials was over; absent where GPUs are not handed out, null while it waits for its turn. */
  readonly admittedAt?: string | null;
  /** UUIDs of the GPUs that it was given; absent where GPUs are not handed out. */
  readonly devices?: readonly string[];
}

/** The attempts that have not been forgotten, one small file each, so that a restart need not search all results. */
export interface AttemptIndex {
  load(): readonly IndexEntry[];
  save(entry: IndexEntry): void;
  remove(attemptId: string): void;
}

export function createAttemptIndex(folder: string): AttemptIndex {
  const fileOf = (attemptId: string): string => join(folder, `${encodeURIComponent(attemptId)}.json`);
  return {
    load() {
      mkdirSync(folder, { recursive: true });
      return readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .map((name) => readJson(join(folder, name)) as IndexEntry | undefined)
        .filter((entry) => entry !== undefined);
    },
    // A launch that waits holds the attempt's token.
    save: (entry) => writeJson(fileOf(entry.attemptId), entry, 0o600),
    remove: (attemptId) => rmSync(fileOf(attemptId), { force: true }),
  };
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inThread } from './in-thread.ts';
import { type Problem, sorted } from './model-files.ts';
import { sampledFingerprint } from './sampled-fingerprint.ts';

const MIB = 1024 * 1024;
/** Larger files are read in a thread of their own. */
const LARGE = 8 * MIB;
const CACHE_ENTRIES = 1000;

/** Begins fingerprints over the whole content of a model folder; the trainer compares those that name it. */
const SCHEME = 'files:';

/** What is known of files by their content, found out once as long as size, modification time and inode stay. */
export interface Fingerprints {
  /** SHA-256 of the whole content, hex. */
  file(path: string): Promise<string>;
  /**
   * Identifies all that can change what a folder's model says: `files:` and the SHA-256 over the names and the SHA-256 of
   * its configuration, tokenizer, templates and the weights that are loaded. The trainer makes the same.
   *
   * @param like names the scheme: one of an earlier release, over samples of the weights, is made as it was then
   */
  modelFolder(path: string, like?: string | null): Promise<string>;
  /** What is wrong with a model folder; null where nothing is. */
  problemOf(folder: string): Promise<Problem | null>;
}

export function createFingerprints(): Fingerprints {
  const known = new Map<string, Promise<unknown>>();

  async function once<T>(kind: string, path: string, compute: () => Promise<T>): Promise<T> {
    const key = `${kind}\0${path}\0${await identityOf(path)}`;
    let found = known.get(key) as Promise<T> | undefined;
    if (found === undefined) {
      found = compute();
      found.catch(() => known.delete(key));
      known.set(key, found);
      const oldest = known.keys().next().value;
      if (known.size > CACHE_ENTRIES && oldest !== undefined) known.delete(oldest);
    }
    return found;
  }

  const file = (path: string) => once('whole', path, () => hashFile(path));
  return {
    file,
    async modelFolder(path, like) {
      if (like != null && !like.startsWith(SCHEME)) return sampledFingerprint(path, file, once);
      const hash = createHash('sha256');
      for (const name of sorted(new Set(await inThread('content', path)))) {
        hash.update(`${name}\0${await file(join(path, name))}\0`);
      }
      return SCHEME + hash.digest('hex');
    },
    async problemOf(folder) {
      const names = (await readdir(folder)).sort();
      const identities = await Promise.all(names.map((name) => identityOf(join(folder, name)).catch(() => 'gone')));
      const state = createHash('sha256')
        .update(JSON.stringify([names, identities]))
        .digest('hex');
      return once(`problem ${state}`, folder, () => inThread('inspect', folder));
    },
  };
}

async function identityOf(path: string): Promise<string> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true });
  return `${size} ${mtimeNs} ${ino}`;
}

async function hashFile(path: string): Promise<string> {
  if ((await stat(path)).size > LARGE) return inThread('sha256', path);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

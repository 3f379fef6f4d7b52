import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const MIB = 1024 * 1024;
const BLOCK = 64 * 1024;
const BLOCKS = 32;
const CACHE_ENTRIES = 1000;

/** Files of a model folder that are small and decide what the weights mean. */
const CONFIGURATION =
  /^(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json$|\.index\.json$|^merges\.txt$|\.model$/;
const WEIGHTS = /\.(safetensors|bin)$/;

/** Content hashes of files, each computed once as long as size and modification time stay. */
export interface Fingerprints {
  /** SHA-256 of the whole content, hex. */
  file(path: string): Promise<string>;
  /** SHA-256 over a folder's configuration and tokenizer, and samples of its weights. */
  modelFolder(path: string): Promise<string>;
  /** SHA-256 over samples of one large file: size, first and last MiB, blocks between. */
  largeFile(path: string): Promise<string>;
}

export function createFingerprints(): Fingerprints {
  const known = new Map<string, Promise<string>>();

  async function once(kind: string, path: string, compute: () => Promise<string>): Promise<string> {
    const info = await stat(path, { bigint: true });
    const key = `${kind}\0${path}\0${info.size}\0${info.mtimeNs}`;
    let found = known.get(key);
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
  const largeFile = (path: string) => once('sampled', path, () => sampleFile(path));
  return {
    file,
    largeFile,
    async modelFolder(path) {
      const names = (await readdir(path)).sort();
      const hash = createHash('sha256');
      for (const name of names) {
        const full = join(path, name);
        if (CONFIGURATION.test(name)) hash.update(`${name}\0${await file(full)}\0`);
        else if (WEIGHTS.test(name)) hash.update(`${name}\0${await largeFile(full)}\0`);
      }
      return hash.digest('hex');
    },
  };
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function sampleFile(path: string): Promise<string> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const hash = createHash('sha256').update(`${size}\0`);
    const read = async (offset: number, length: number) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
      hash.update(buffer.subarray(0, bytesRead));
    };
    await read(0, MIB);
    for (let block = 1; size > 4 * MIB && block <= BLOCKS; block += 1) {
      await read(Math.floor((size * block) / (BLOCKS + 1)), BLOCK);
    }
    await read(Math.max(0, size - MIB), MIB);
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

/** Fingerprints of model folders as release 0.1.0 made them, for experiments that were submitted with one. */
import { createHash } from 'node:crypto';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const MIB = 1024 * 1024;
const BLOCK = 64 * 1024;
const BLOCKS = 32;

const CONFIGURATION =
  /^(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json$|\.index\.json$|^merges\.txt$|\.model$/;
const WEIGHTS = /\.(safetensors|bin)$/;

/** SHA-256 over configuration and tokenizer, and samples of the weights. */
export async function sampledFingerprint(
  folder: string,
  hashOf: (path: string) => Promise<string>,
  once: (kind: string, path: string, compute: () => Promise<string>) => Promise<string>,
): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder)).sort()) {
    const full = join(folder, name);
    if (CONFIGURATION.test(name)) hash.update(`${name}\0${await hashOf(full)}\0`);
    else if (WEIGHTS.test(name)) hash.update(`${name}\0${await once('sampled', full, () => sample(full))}\0`);
  }
  return hash.digest('hex');
}

/** Size, first and last MiB, and blocks between. */
async function sample(path: string): Promise<string> {
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

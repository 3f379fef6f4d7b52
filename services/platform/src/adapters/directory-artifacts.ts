import { randomBytes } from 'node:crypto';
import { chmod, constants, copyFile, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ArtifactStore } from '../application/ports/artifacts.ts';

/** The key would leave the store's folder. */
export class InvalidKey extends Error {
  override name = 'InvalidKey';
}

/** Artifacts as files under `root`. Writes are atomic: a temporary file next to the target, renamed over it. */
export function createDirectoryArtifactStore(root: string): ArtifactStore {
  const base = resolve(root);

  function pathOf(key: string): string {
    const parts = key.split('/');
    if (key.includes('\0') || key.includes('\\') || parts.includes('..') || parts.includes('.')) {
      throw new InvalidKey(`${JSON.stringify(key)} is not an artifact key`);
    }
    return join(base, ...parts);
  }

  return {
    async read(key) {
      return orNull(readFile(pathOf(key)));
    },

    async readFrom(key, offset, limit) {
      const file = await orNull(open(pathOf(key), 'r'));
      if (file === null) return null;
      try {
        const { size } = await file.stat();
        const length = Math.max(0, Math.min(limit, size - offset));
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
        return { bytes: buffer.subarray(0, bytesRead), size };
      } finally {
        await file.close();
      }
    },

    async write(key, content) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true });
      const temporary = `${path}.${randomBytes(6).toString('hex')}.part`;
      try {
        await writeFile(temporary, content, { flush: true });
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },

    async copyIn(key, file) {
      const path = pathOf(key);
      const [there, source] = await Promise.all([orNull(stat(path)), stat(file)]);
      if (there?.size === source.size) return;
      await mkdir(dirname(path), { recursive: true });
      const temporary = `${path}.${randomBytes(6).toString('hex')}.part`;
      try {
        await copyFile(file, temporary, constants.COPYFILE_FICLONE);
        await chmod(temporary, 0o644);
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },

    localPath: pathOf,
  };
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

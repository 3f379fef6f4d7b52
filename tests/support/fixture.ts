/** Folders that many tests start from: made once for what they are made of, then copied. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Copies a folder into `target`, and makes it first where no test of this machine has.
 *
 * @param parts everything that its content depends on: another part, another folder
 * @param make fills an empty folder
 */
export async function copyFixture(
  name: string,
  parts: readonly (string | Buffer)[],
  target: string,
  make: (folder: string) => Promise<void>,
): Promise<void> {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  const kept = join(tmpdir(), `lamina-fixture-${name}-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(kept)) {
    const making = await mkdtemp(`${kept}.`);
    await make(making);
    // Two processes may make the same one at the same time: the first to finish is kept.
    await rename(making, kept).catch(() => rm(making, { recursive: true, force: true }));
  }
  await mkdir(target, { recursive: true });
  await cp(kept, target, { recursive: true });
}

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The installation's key for attempt tokens: made once, readable by its owner alone. */
export function installationSecret(file: string): string {
  if (!existsSync(file)) {
    writeFileSync(`${file}.tmp`, randomBytes(32).toString('hex'), { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  }
  return readFileSync(file, 'utf8').trim();
}

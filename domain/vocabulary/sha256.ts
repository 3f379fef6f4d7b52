/** Uses node:crypto, so workflows must not import this module: ids are made once, at submission. */
import { createHash } from 'node:crypto';

/** 64 hex digits. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

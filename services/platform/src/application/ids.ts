import { randomBytes } from 'node:crypto';

/** Crockford's base32 in lower case: no i, l, o or u, sorts as its numbers do. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * `e-` and 18 characters: ten of time in milliseconds, eight of chance (40 bits). Ids sort by creation, and are valid
 * in Kubernetes names and in paths.
 */
export function newExperimentId(now: Date = new Date()): string {
  let time = '';
  for (let rest = now.getTime(); time.length < 10; rest = Math.floor(rest / 32)) {
    time = ALPHABET.charAt(rest % 32) + time;
  }
  const chance = Array.from(randomBytes(8), (byte) => ALPHABET.charAt(byte % 32)).join('');
  return `e-${time}${chance}`;
}

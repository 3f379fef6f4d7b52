import { createHmac, timingSafeEqual } from 'node:crypto';

/** The bearer token of an attempt: derived from the installation's secret, stored nowhere. */
export function attemptToken(secret: string, attemptId: string): string {
  return createHmac('sha256', secret).update(`attempt:${attemptId}`).digest('base64url');
}

/** Compares in constant time. */
export function verifyAttemptToken(secret: string, attemptId: string, token: string): boolean {
  const expected = Buffer.from(attemptToken(secret, attemptId));
  const given = Buffer.from(token);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

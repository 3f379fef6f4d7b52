/** Ends that are the runner's own, not diagnosed from evidence. */
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';

export function endNow(outcome: AttemptEnd['outcome'], message: string): AttemptEnd {
  return { outcome, message, exitCode: null, node: null, endedAt: new Date().toISOString() };
}

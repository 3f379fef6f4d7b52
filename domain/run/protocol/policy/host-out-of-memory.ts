import { crashed } from './crashed.ts';
import type { FailurePolicy } from './types.ts';

const RAISE = 1.5;

/**
 * More host memory up to the bound: than the plan asked for, or than the limit that the cluster gave it. Where there is
 * neither, there is nothing to raise, and a neighbour may be to blame: a crash.
 */
export const hostOutOfMemory: FailurePolicy = (failure) => {
  const { trial, end, policy } = failure;
  const memoryBytes = trial.plan.memoryBytes ?? end.memoryLimitBytes;
  if (memoryBytes === undefined) return crashed(failure);
  const bound = policy.maxMemoryBytes ?? Number.POSITIVE_INFINITY;
  if (memoryBytes >= bound) return { action: 'fail', message: `does-not-fit: ${end.message}` };
  const raised = Math.min(bound, Math.ceil(memoryBytes * RAISE));
  return { action: 'retry', delayMs: 0, plan: { ...trial.plan, memoryBytes: raised } };
};

import type { FailurePolicy } from './types.ts';

/** Preempted, drained, evicted or lost: the next attempt resumes from the checkpoint. */
export const disrupted: FailurePolicy = () => ({ action: 'retry', delayMs: 0 });

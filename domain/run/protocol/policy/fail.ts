import type { FailurePolicy } from './types.ts';

/**
 * The message is the answer. No retry helps against a bad configuration; the deadlines of a trial and of its start are
 * the user's own, and another attempt would need as long. Metrics so far are kept.
 */
export const fail: FailurePolicy = ({ end }) => ({ action: 'fail', message: end.message });

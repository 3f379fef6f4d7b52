import type { FailurePolicy } from './types.ts';

/** The deadline was the user's: another attempt would need as long. Metrics so far are kept. */
export const timedOut: FailurePolicy = ({ end }) => ({ action: 'fail', message: end.message });

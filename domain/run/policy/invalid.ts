import type { FailurePolicy } from './types.ts';

/** No retry can help against a bad configuration: the message is the answer. */
export const invalid: FailurePolicy = ({ end }) => ({ action: 'fail', message: end.message });

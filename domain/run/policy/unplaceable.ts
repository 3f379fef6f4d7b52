import type { FailurePolicy } from './types.ts';

/** Unschedulable or without its image until the start deadline: the wait is over. */
export const unplaceable: FailurePolicy = ({ end }) => ({ action: 'fail', message: end.message });

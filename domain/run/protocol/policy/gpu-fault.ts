import type { FailurePolicy } from './types.ts';

/** Another node; the faulty one is excluded. */
export const gpuFault: FailurePolicy = ({ trial, end }) => {
  const { node } = end;
  if (node === null || trial.plan.excludedNodes.includes(node)) return { action: 'retry', delayMs: 0 };
  return {
    action: 'retry',
    delayMs: 0,
    plan: { ...trial.plan, excludedNodes: [...trial.plan.excludedNodes, node] },
  };
};

import type { Plan } from '../../../contract/trial.ts';
import type { FailurePolicy } from './types.ts';

/** A smaller forward pass first, then recomputed activations, then a larger GPU. The effective batch stays. */
export const gpuOutOfMemory: FailurePolicy = ({ trial, end, policy }) => {
  const plan = smallerPlan(trial.plan, policy.gpuClasses ?? []);
  return plan === null
    ? { action: 'fail', message: `does-not-fit: ${end.message}` }
    : { action: 'retry', delayMs: 0, plan };
};

/** The next plan that needs less memory of each GPU, or a GPU with more; null where none is left. */
export function smallerPlan(plan: Plan, gpuClasses: readonly string[]): Plan | null {
  if (plan.microBatch > 1) {
    const effective = plan.microBatch * plan.accumulation;
    let microBatch = Math.floor(plan.microBatch / 2);
    while (effective % microBatch !== 0) microBatch -= 1;
    return { ...plan, microBatch, accumulation: effective / microBatch };
  }
  if (!plan.checkpointing) return { ...plan, checkpointing: true };
  const larger = plan.gpuClass === null ? largestOfSeveral(gpuClasses) : after(plan.gpuClass, gpuClasses);
  return larger === undefined ? null : { ...plan, gpuClass: larger };
}

function after(gpuClass: string, gpuClasses: readonly string[]): string | undefined {
  const at = gpuClasses.indexOf(gpuClass);
  return at < 0 ? undefined : gpuClasses[at + 1];
}

/** For an attempt that may have been on any of them. */
function largestOfSeveral(gpuClasses: readonly string[]): string | undefined {
  return gpuClasses.length > 1 ? gpuClasses.at(-1) : undefined;
}

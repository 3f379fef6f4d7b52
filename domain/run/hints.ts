/** Plans that worked after an out-of-memory failure, remembered for later trials of like cells. */
import type { Plan } from '../contract/trial.ts';

export type PlanHint = Pick<Plan, 'gpuClass' | 'microBatch' | 'accumulation' | 'checkpointing' | 'memoryBytes'>;

export function hintOf(plan: Plan): PlanHint {
  const { gpuClass, microBatch, accumulation, checkpointing, memoryBytes } = plan;
  return { gpuClass, microBatch, accumulation, checkpointing, memoryBytes };
}

/** The plan with what is known to fit; unchanged where the hint would change the effective batch. */
export function applyHint(plan: Plan, hint: PlanHint | undefined): Plan {
  if (hint === undefined || hint.microBatch * hint.accumulation !== plan.microBatch * plan.accumulation) return plan;
  return { ...plan, ...hint };
}

/** The plan of a cell, after what earlier experiments found out about like cells. */
import type { GpuInventory } from '../contract/gpus.ts';
import type { Plan } from '../contract/trial.ts';
import { applyHint, hintOf } from '../run/hints.ts';

/** `worked`: the plan that a like trial succeeded with after it had run out of memory. */
export function rememberedPlan(plan: Plan, worked: Plan | undefined, inventory: GpuInventory | null): Plan {
  if (worked === undefined || worked.gpus !== plan.gpus) return plan;
  const gpuClass = worked.gpuClass ?? plan.gpuClass;
  const known = inventory === null || inventory.classes.length === 0 ? [] : inventory.classes.map(({ name }) => name);
  if (gpuClass !== null && known.length > 0 && !known.includes(gpuClass)) return plan;
  const memoryBytes = larger(plan.memoryBytes, worked.memoryBytes);
  return applyHint(plan, { ...hintOf(worked), gpuClass, memoryBytes });
}

/** Null is without limit. */
function larger(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.max(a, b);
}

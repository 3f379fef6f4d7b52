/** GPUs that trials share. */
import type { GpuInventory } from '../contract/gpus.ts';

/** The pool of trials that name no class where there are several: all GPUs together. */
export const ANY_CLASS = 'any';

/**
 * The pool that a trial takes its GPUs from; null where GPUs are not handed out (a machine of one's own), none is
 * needed, or its class is not known.
 */
export function poolOf(
  { gpuClass, gpus }: { readonly gpuClass: string | null; readonly gpus: number },
  inventory: GpuInventory | null,
): string | null {
  if (gpus === 0 || !isShared(inventory)) return null;
  const { classes } = inventory;
  if (gpuClass !== null) return classes.some(({ name }) => name === gpuClass) ? gpuClass : null;
  return classes.length === 1 ? (classes[0]?.name ?? null) : classes.length === 0 ? null : ANY_CLASS;
}

/**
 * GPUs that trials can have, by pool: those that were free, and those that trials held then; all where pods of others
 * cannot be seen.
 *
 * @param held GPUs of trials that ran when the inventory was taken: an older picture is then still right about others
 */
export function poolSizes(
  inventory: GpuInventory | null,
  held: readonly { readonly gpuClass: string | null; readonly gpus: number }[],
): ReadonlyMap<string, number> {
  if (!isShared(inventory)) return new Map();
  const byPool = new Map<string, number>();
  for (const one of held) {
    const pool = poolOf(one, inventory);
    if (pool !== null) byPool.set(pool, (byPool.get(pool) ?? 0) + one.gpus);
  }
  const sizes = new Map(
    inventory.classes.map(({ name, total, free }) => [
      name,
      free === null ? total : Math.min(total, free + (byPool.get(name) ?? 0)),
    ]),
  );
  const all = [...sizes.values()].reduce((sum, size) => sum + size, byPool.get(ANY_CLASS) ?? 0);
  return sizes.set(ANY_CLASS, all);
}

/** Clusters hand GPUs out one by one, and so does a machine that lists its devices. */
export function isShared(inventory: GpuInventory | null): inventory is GpuInventory {
  return inventory !== null && (inventory.source.startsWith('kubernetes') || inventory.devices !== undefined);
}

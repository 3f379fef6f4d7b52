/** GPUs that trials share. */
import type { GpuInventory } from '../contract/gpus.ts';
import type { QueueExperiment } from './queue.ts';

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

/** GPUs that trials can have, by pool: those that are free and those that trials hold; all where others cannot be seen. */
export function poolSizes(
  inventory: GpuInventory | null,
  experiments: readonly QueueExperiment[],
): ReadonlyMap<string, number> {
  if (!isShared(inventory)) return new Map();
  const held = new Map<string, number>();
  for (const { cells, running } of experiments) {
    for (const { cell, begun } of running) {
      const { pool = null, gpus = 0 } = cells[cell] ?? {};
      if (pool !== null && begun) held.set(pool, (held.get(pool) ?? 0) + gpus);
    }
  }
  const sizes = new Map(
    inventory.classes.map(({ name, total, free }) => [
      name,
      free === null ? total : Math.min(total, free + (held.get(name) ?? 0)),
    ]),
  );
  const all = inventory.classes.reduce((sum, { total, free }) => sum + (free ?? total), held.get(ANY_CLASS) ?? 0);
  return sizes.set(ANY_CLASS, all);
}

/** Only a cluster hands GPUs out one by one. */
export function isShared(inventory: GpuInventory | null): inventory is GpuInventory {
  return inventory?.source.startsWith('kubernetes') === true;
}

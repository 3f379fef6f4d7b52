/** Inventories for tests. */
import type { GpuClassInventory, GpuInventory } from '../gpus.ts';

export function gpuClassOf(name: string, memoryGib: number | null, more: Partial<GpuClassInventory> = {}) {
  return {
    name,
    product: name,
    memoryBytes: memoryGib === null ? null : memoryGib * 2 ** 30,
    computeCapability: '8.0',
    mig: null,
    nodes: 1,
    perNode: 8,
    total: 8,
    free: 8,
    pricePerHour: null,
    ...more,
  } satisfies GpuClassInventory;
}

export function inventoryOf(...classes: readonly GpuClassInventory[]): GpuInventory {
  return { source: 'kubernetes', at: '2026-01-01T00:00:00.000Z', classes, note: null };
}

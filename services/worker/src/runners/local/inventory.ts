import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import type { DeviceCapabilities } from '@lamina/domain/matrix/context.ts';

/** This machine's GPU as the trainer sees it. */
export function localInventory(source: string, device: DeviceCapabilities, at: Date): GpuInventory {
  const found = { source, at: at.toISOString() };
  if (device.kind === 'cpu') {
    return { ...found, classes: [], note: `Trials run on this machine's CPU (${device.name}); it has no GPU.` };
  }
  const gpu = {
    name: device.name,
    product: device.name,
    memoryBytes: device.memoryBytes ?? null,
    computeCapability: device.computeCapability,
    mig: null,
    nodes: 1,
    perNode: 1,
    total: 1,
    free: null,
    pricePerHour: null,
  };
  return { ...found, classes: [gpu], note: 'The first GPU of this machine, which trials share.' };
}

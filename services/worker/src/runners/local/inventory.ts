import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { classesOf } from '@lamina/domain/devices/classes.ts';
import type { DeviceCapabilities } from '@lamina/domain/matrix/context.ts';
import type { GpuDesk } from './gpu-desk.ts';

/**
 * This machine's GPUs, one by one and by their class.
 *
 * @param desk null where there are none
 * @param problem why GPUs that there may be cannot be used; null: there is no driver
 * @param holders attempts by the GPU that they were given
 */
export async function localInventory(
  source: string,
  { device, desk, problem }: { device: DeviceCapabilities; desk: GpuDesk | null; problem: string | null },
  holders: ReadonlyMap<string, string>,
): Promise<GpuInventory> {
  const found = { source, at: new Date().toISOString() };
  if (desk === null) {
    const why = problem === null ? 'it has no GPU' : `its GPUs cannot be used: ${problem}`;
    return { ...found, classes: [], note: `Trials run on this machine's CPU (${device.name}); ${why}.` };
  }
  const { report, devices } = await desk.view(holders);
  const note = report.driver === null ? null : `NVIDIA driver ${report.driver}.`;
  return { ...found, classes: classesOf(devices), devices, note };
}

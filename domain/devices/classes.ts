import type { DeviceView } from '../contract/devices.ts';
import type { GpuClassInventory } from '../contract/gpus.ts';
import { hasRoom } from './allot.ts';

/** The devices of one machine by their class, from small to large. Several slices never serve one trial. */
export function classesOf(devices: readonly DeviceView[]): readonly GpuClassInventory[] {
  const byName = [...Map.groupBy(devices, ({ name }) => name)];
  return byName
    .flatMap(([name, all]): GpuClassInventory[] => {
      const [first] = all;
      if (first === undefined) return [];
      const { mig, memoryBytes, computeCapability } = first;
      const usable = all.filter(({ problem, setAside }) => problem === null && setAside === null);
      return [
        {
          name,
          product: name,
          memoryBytes,
          computeCapability,
          mig,
          nodes: 1,
          perNode: mig === null ? all.length : 1,
          total: usable.length,
          free: usable.filter((each) => each.attemptId === null && hasRoom(each, null)).length,
          pricePerHour: null,
        },
      ];
    })
    .toSorted((a, b) => (a.memoryBytes ?? 0) - (b.memoryBytes ?? 0));
}

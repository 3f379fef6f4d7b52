/** Devices for tests. */
import type { Device } from '../../contract/devices.ts';

const GIB = 2 ** 30;

/** A whole GPU of 80 GiB that nobody uses; its UUID is GPU- and the index. */
export function deviceOf(index: number, more: Partial<Device> = {}): Device {
  return {
    uuid: `GPU-${index}`,
    index: String(index),
    name: 'H100',
    mig: null,
    computeCapability: '9.0',
    memoryBytes: 80 * GIB,
    freeBytes: 80 * GIB,
    processes: [],
    uncorrectedErrors: 0,
    problem: null,
    ...more,
  };
}

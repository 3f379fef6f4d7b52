/** How long a device gets no attempt after one has failed on it with a GPU fault. Pure. */
import type { Device, SetAside } from '../contract/devices.ts';

const MINUTE_MS = 60_000;
/**
 * By the number of faults without a success in between. A program can provoke some faults, so that the first costs a
 * pause only; after the last a person has to look at the device.
 */
const PAUSES_MS: readonly number[] = [5 * MINUTE_MS, 60 * MINUTE_MS];

export interface Fault {
  readonly device: string;
  readonly attemptId: string;
  readonly atMs: number;
  /** What the attempt's end said. */
  readonly message: string;
  /** What NVML has against the device now; null: nothing. */
  readonly evidence: string | null;
}

/** Where NVML has something against the device as well, no pause mends it. */
export function setAsideAfter(fault: Fault, before: SetAside | null): SetAside {
  const faults = (before?.faults ?? 0) + 1;
  const pauseMs = fault.evidence === null ? PAUSES_MS[faults - 1] : undefined;
  return {
    device: fault.device,
    faults,
    since: new Date(fault.atMs).toISOString(),
    until: pauseMs === undefined ? null : new Date(fault.atMs + pauseMs).toISOString(),
    reason: fault.evidence === null ? fault.message : `${fault.evidence}; ${fault.message}`,
    attemptId: fault.attemptId,
  };
}

export function isSetAside({ until }: Pick<SetAside, 'until'>, nowMs: number): boolean {
  return until === null || Date.parse(until) > nowMs;
}

/** What NVML has against a device; null where it has nothing. `device` is undefined where it is no longer listed. */
export function evidenceAgainst(device: Device | undefined): string | null {
  if (device === undefined) return 'the driver does not list the GPU any more';
  if (device.problem !== null) return device.problem;
  const errors = device.uncorrectedErrors ?? 0;
  return errors === 0 ? null : `${errors} uncorrected memory error${errors === 1 ? '' : 's'}`;
}

/**
 * The devices that a fault of an attempt on several is laid to: those that NVML has something against, else all of
 * them.
 */
export function blamed(devices: readonly string[], evidence: ReadonlyMap<string, string | null>): readonly string[] {
  const found = devices.filter((device) => evidence.get(device) != null);
  return found.length > 0 ? found : devices;
}

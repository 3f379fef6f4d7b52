/** A machine with GPUs that are not there: the real listing of the trainer over a stand-in for NVML. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GpuDeskOptions } from '@lamina/worker/runners/local/gpu-desk.ts';
import { createGpuDesk, type GpuDesk } from '@lamina/worker/runners/local/gpu-desk.ts';
import { createGpuListing } from '@lamina/worker/runners/local/gpu-listing.ts';
import { TRAINER_FOLDER, trainerEnvironment, trainerPython } from './trainer.ts';

export const GIB = 2 ** 30;
const NVML = fileURLToPath(new URL('nvml', import.meta.url));

export interface FakeGpu {
  readonly uuid: string;
  readonly name: string;
  readonly total: number;
  readonly used?: number;
  readonly processes?: readonly (readonly [pid: number, bytes: number])[];
  readonly eccErrors?: number;
  readonly lost?: boolean;
}

export interface FakeMachine {
  /** For processes that are to see these GPUs. */
  readonly env: Readonly<Record<string, string>>;
  /** What NVML says from now on. */
  change(index: number, change: Partial<FakeGpu>): void;
  close(): void;
  desk(options: Pick<GpuDeskOptions, 'store'> & Partial<GpuDeskOptions>): Promise<GpuDesk>;
}

/** GPUs of 80 GiB, UUIDs `GPU-0` and so on. */
export function createFakeMachine(folder: string, count: number): FakeMachine {
  const file = join(folder, 'gpus.json');
  const gpus = Array.from({ length: count }, (_, index) => ({ uuid: `GPU-${index}`, name: 'H100', total: 80 * GIB }));
  writeFileSync(file, JSON.stringify({ driver: '580.65.06', gpus }));
  const env = { ...trainerEnvironment(), PYTHONPATH: `${NVML}:${join(TRAINER_FOLDER, 'src')}`, FAKE_GPUS: file };
  const listing = createGpuListing({ python: trainerPython() }, env);
  return {
    env,
    change(index, change) {
      const machine = JSON.parse(readFileSync(file, 'utf8')) as { gpus: FakeGpu[] };
      machine.gpus[index] = { ...(machine.gpus[index] as FakeGpu), ...change };
      writeFileSync(file, JSON.stringify(machine));
    },
    close: listing.close,
    desk: async (options) =>
      createGpuDesk({
        look: listing.look,
        found: await listing.look(),
        needOf: async () => null,
        log: { info: () => undefined, warn: () => undefined },
        ...options,
      }),
  };
}

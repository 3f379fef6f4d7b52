/** What workers tell about where trials run, so that the API need not speak to a cluster. */
import type { SetAside } from '@lamina/domain/contract/devices.ts';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import type { RunnerFacts } from './runner-facts.ts';

export interface ClusterStore {
  /** Takes the place of what was said before. */
  announce(runnerFacts: RunnerFacts): Promise<void>;
  /** Null before the first worker has started. */
  getRunnerFacts(): Promise<RunnerFacts | null>;
  /** True for one caller in every `everySeconds`, of all workers: that one refreshes the inventory. */
  claimGpuRefresh(everySeconds: number): Promise<boolean>;
  putGpuInventory(inventory: GpuInventory): Promise<void>;
  /** Null before the first worker has looked. */
  getGpuInventory(): Promise<GpuInventory | null>;
  /** Takes the place of what was known of the device. */
  setDeviceAside(setAside: SetAside): Promise<void>;
  /** Those whose pause is over as well, by device. */
  devicesSetAside(): Promise<readonly SetAside[]>;
  /** The device gets attempts again, and its faults are forgotten; false where there was nothing to forget. */
  takeDeviceBack(device: string): Promise<boolean>;
}

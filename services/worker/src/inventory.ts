/** Looks for GPUs now and then, and tells the store. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { GpuInventorySource } from '@lamina/domain/contract/gpus.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import type { WorkerLog } from './log.ts';

const EVERY_SECONDS = 30;

/** Keeps the inventory up to date; one of several workers looks at a time. What cannot be seen now stays as it was. */
export function keepInventory(
  inventory: GpuInventorySource,
  store: ExperimentStore,
  log: WorkerLog,
  everySeconds: number = EVERY_SECONDS,
): { close(): Promise<void> } {
  const closing = new AbortController();

  async function look(first: boolean): Promise<void> {
    try {
      // A little less, so that the same worker's next turn is not just too early.
      if (await store.claimGpuRefresh(first ? 0 : everySeconds * 0.9))
        await store.putGpuInventory(await inventory.gpus());
    } catch (error) {
      if (!closing.signal.aborted) log.warn({ err: error }, 'the GPUs there are could not be listed');
    }
  }

  async function run(): Promise<void> {
    for (let first = true; !closing.signal.aborted; first = false) {
      await look(first);
      await sleep(everySeconds * 1000, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}

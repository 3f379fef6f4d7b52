import { ControlUnavailable } from '@lamina/platform/application/ports/control.ts';
import type { ApiDeps } from './deps.ts';

const RETRY_MS = 5000;

/** Starts and wakes experiments; those that the engine could not take yet are tried again until it does. */
export interface Starter {
  /** For an experiment that was just stored. False: it is started as soon as the engine answers. */
  start(experimentId: string): Promise<boolean>;
  /** For one whose trials have changed. False: as above. */
  wake(experimentId: string): Promise<boolean>;
  close(): void;
}

export function createStarter({ store, control, log }: Pick<ApiDeps, 'store' | 'control' | 'log'>): Starter {
  const waiting = new Map<string, NodeJS.Timeout>();
  let closed = false;

  async function attempt(experimentId: string, how: 'start' | 'wake'): Promise<boolean> {
    clearTimeout(waiting.get(experimentId));
    waiting.delete(experimentId);
    try {
      await (how === 'start' ? control.start(experimentId) : control.wake(experimentId));
      if (await store.hasSearch(experimentId)) await control.search(experimentId);
      return true;
    } catch (error) {
      if (!(error instanceof ControlUnavailable)) throw error;
      log.warn({ experimentId, err: error }, 'the engine is away; the experiment waits for it');
      if (!closed) waiting.set(experimentId, setTimeout(() => void again(experimentId, how), RETRY_MS).unref());
      return false;
    }
  }

  async function again(experimentId: string, how: 'start' | 'wake'): Promise<void> {
    try {
      await attempt(experimentId, how);
    } catch (error) {
      log.error({ experimentId, err: error }, 'the experiment could not be started');
    }
  }

  return {
    start: (experimentId) => attempt(experimentId, 'start'),
    wake: (experimentId) => attempt(experimentId, 'wake'),
    close() {
      closed = true;
      for (const timer of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}

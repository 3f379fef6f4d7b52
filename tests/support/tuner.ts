import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepTuner } from '@lamina/worker/search/tuner.ts';
import { type Orchestra, until } from './orchestra.ts';
import { trainerEnvironment, trainerPython } from './trainer.ts';

export interface TestTuner {
  /** `kill -9`; the next one is there once this has returned. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

const START_MS = 120_000;

/** The real tuner for an orchestra's searches, with its studies in a folder of its own. */
export async function startTuner({ temporal, store }: Orchestra): Promise<TestTuner> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-tuner-'));
  const server = { address: temporal.address, namespace: temporal.namespace ?? 'default' };
  const tuner = keepTuner(
    {
      python: trainerPython(),
      env: trainerEnvironment(),
      temporal: server,
      storage: join(folder, 'studies'),
      logFile: join(folder, 'tuner.log'),
    },
    () => store.isSearching(),
    { info: () => undefined, warn: () => undefined, error: () => undefined },
  );
  return {
    async kill() {
      await until(() => tuner.pid() !== null, 'a tuner lives', START_MS);
      const pid = tuner.pid() ?? 0;
      process.kill(pid, 'SIGKILL');
      await until(() => tuner.pid() !== pid, 'it has ended', START_MS);
    },
    async close() {
      await tuner.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

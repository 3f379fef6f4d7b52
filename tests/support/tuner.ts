import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keepTuner } from '@lamina/worker/search/tuner.ts';
import { type Orchestra, until } from './orchestra.ts';
import { trainerEnvironment, trainerPython } from './trainer.ts';

export interface TestTuner {
  /** `kill -9`; the next one is there once this has returned. */
  kill(): Promise<void>;
  /** Optuna's trials of a study, counted by state. */
  trials(study: string): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

const START_MS = 300_000;

const COUNT = `
import collections, json, sys
from lamina_trainer.tuner.storage import open_storage
with open_storage(sys.argv[1]).study(sys.argv[2]) as storage:
    trials = storage.get_all_trials(storage.get_study_id_from_name(sys.argv[2]))
print(json.dumps(collections.Counter(trial.state.name for trial in trials)))
`;

/** The real tuner for an orchestra's searches, with its studies in a folder of its own. */
export async function startTuner({ temporal, store }: Orchestra): Promise<TestTuner> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-tuner-'));
  const storage = join(folder, 'studies');
  const server = { address: temporal.address, namespace: temporal.namespace ?? 'default' };
  const tuner = keepTuner(
    {
      python: trainerPython(),
      env: trainerEnvironment(),
      temporal: server,
      storage,
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
    async trials(study) {
      const script = ['-c', COUNT, storage, study];
      const { stdout } = await promisify(execFile)(trainerPython(), script, { env: trainerEnvironment() });
      return JSON.parse(stdout);
    },
    async close() {
      await tuner.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const TRAINER_FOLDER = fileURLToPath(new URL('../../python-trainer', import.meta.url));

/** The trainer environment's interpreter; `npm test` names it. */
export function trainerPython(): string {
  const python = process.env.LAMINA_TRAINER_PYTHON;
  if (!python) throw new Error('LAMINA_TRAINER_PYTHON is not set: run this through `npm test`.');
  return python;
}

/** What the trainer needs to run in a test: its package on the path, one thread, no hub. */
export function trainerEnvironment(): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    PYTHONPATH: join(TRAINER_FOLDER, 'src'),
    HF_HUB_OFFLINE: '1',
    OMP_NUM_THREADS: '1',
  };
}

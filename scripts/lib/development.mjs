import { join } from 'node:path';
import { paths, root } from './paths.mjs';

/**
 * What tests and benchmarks find in their environment.
 * @param {import('../setup.mjs').Installed} installed
 * @returns {Record<string, string | undefined>}
 */
export function developmentEnvironment({ python, temporal }) {
  return {
    ...process.env,
    PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
    PYTHONPATH: join(paths.trainer, 'src'),
    LAMINA_TRAINER_PYTHON: python,
    LAMINA_TEMPORAL: temporal,
    HF_HUB_OFFLINE: '1',
  };
}

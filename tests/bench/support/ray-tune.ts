/** Ray Tune doing no-op trials, in an environment of its own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VERSION = '2.60.0';
const SCRIPT = join(import.meta.dirname, 'ray_noop.py');

export interface RayFigures {
  readonly version: string;
  readonly seconds: number;
  /** Without the start of its actors: from the end of the first trial to the end of the last. */
  readonly steadySeconds: number;
  readonly trialsPerSecond: number;
}

/** Installs Ray once under the cache folder; `LAMINA_UV` names uv, which otherwise lies next to the temporal executable. */
export async function rayTune(trials: number, parallel: number): Promise<RayFigures> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'lamina');
  const environment = join(cache, `ray-${VERSION}`);
  const python = join(environment, 'bin/python');
  const uv = process.env['LAMINA_UV'] ?? join(dirname(process.env['LAMINA_TEMPORAL'] ?? ''), 'uv');
  if (!existsSync(join(environment, 'bin/ray'))) {
    await run(uv, ['venv', '--quiet', '--python', process.env['LAMINA_TRAINER_PYTHON'] ?? 'python3', environment]);
    await run(uv, ['pip', 'install', '--quiet', '--python', python, `ray[tune]==${VERSION}`]);
  }
  const env = {
    ...process.env,
    RAY_USAGE_STATS_ENABLED: '0',
    RAY_AIR_NEW_OUTPUT: '0',
    RAY_AUTH_MODE: 'disabled',
    // Ray gives its workers a low priority; on a busy machine that would be measured instead of Ray.
    RAY_worker_niceness: '0',
    RAY_memory_monitor_refresh_ms: '0',
  };
  const { stdout } = await run(python, [SCRIPT, String(trials), String(parallel)], { env, maxBuffer: 1 << 26 });
  const figures = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { seconds: number; steadySeconds: number };
  return { version: VERSION, ...figures, trialsPerSecond: (trials - 1) / figures.steadySeconds };
}

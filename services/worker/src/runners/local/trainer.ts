/** What must be known of the trainer on this machine, and how trials are started. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DeviceCapabilities } from '@lamina/domain/matrix/context.ts';
import { z } from 'zod';
import type { Launcher } from './launcher.ts';
import { createProcessLauncher } from './process-launcher.ts';
import { createWarmLauncher } from './warm-launcher.ts';

const device = z.object({
  kind: z.enum(['cpu', 'cuda']),
  name: z.string(),
  computeCapability: z.string().nullable(),
  fast16Bit: z.boolean(),
  features: z.array(z.string()),
  memoryBytes: z.number().nullable(),
});

export interface LocalTrainer {
  /** Holds the trainer's sources in `src`. */
  readonly folder: string;
  /** Its environment's interpreter. */
  readonly python: string;
  /** Folder that all trials share: converted weights, tokenized data. */
  readonly cache: string;
  /** `warm`: trials are forks of one process that has imported PyTorch already. */
  readonly launcher: 'warm' | 'process';
}

export interface TrainerFacts {
  readonly revision: string;
  readonly device: DeviceCapabilities;
}

export async function askTrainer(trainer: LocalTrainer, env: Readonly<Record<string, string>>): Promise<TrainerFacts> {
  const ask = async (question: string): Promise<string> => {
    const { stdout } = await promisify(execFile)(trainer.python, ['-m', 'lamina_trainer', question], { env });
    return stdout.trim();
  };
  const [revision, answer] = await Promise.all([ask('revision'), ask('device')]);
  return { revision, device: device.parse(JSON.parse(answer)) };
}

/** The trainer's environment: ours less our own settings, with its package on the path. */
export function trainerEnvironment(
  trainer: Pick<LocalTrainer, 'folder'>,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const inherited = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^(LAMINA_|npm_|NODE_)/.test(entry[0]),
  );
  return {
    ...Object.fromEntries(inherited),
    PYTHONPATH: join(trainer.folder, 'src'),
    PYTHONUNBUFFERED: '1',
    TOKENIZERS_PARALLELISM: 'false',
  };
}

const WARM_IDLE_SECONDS = 600;
const WARM_START_TIMEOUT_MS = 180_000;

/** @param dataDirectory holds the warm trainer's socket and log */
export function createTrainerLauncher(
  trainer: LocalTrainer,
  env: Readonly<Record<string, string>>,
  revision: string,
  dataDirectory: string,
): Launcher {
  const command = [trainer.python, '-m', 'lamina_trainer'];
  if (trainer.launcher === 'process') return createProcessLauncher({ command: [...command, 'run'], env });
  return createWarmLauncher({
    command: [...command, 'serve', '--idle-seconds', String(WARM_IDLE_SECONDS)],
    env,
    socket: socketPath(dataDirectory, `${trainer.python}\0${revision}`),
    logFile: join(dataDirectory, 'logs', 'warm-trainer.log'),
    startTimeoutMs: WARM_START_TIMEOUT_MS,
  });
}

/** The kernel takes at most 107 bytes; a server with other code has another socket. */
function socketPath(dataDirectory: string, code: string): string {
  const hash = createHash('sha256').update(`${dataDirectory}\0${code}`).digest('hex').slice(0, 16);
  const inside = join(dataDirectory, 'run', `${hash}.sock`);
  return Buffer.byteLength(inside) <= 100 ? inside : join(tmpdir(), `lamina-${userInfo().uid}`, `${hash}.sock`);
}

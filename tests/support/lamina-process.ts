/** The all-in-one service as a child process on a data directory of its own, to be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '@lamina/cli/client.ts';
import { freePort } from '@lamina/platform/process/free-port.ts';
import { trainerEnvironment, trainerPython } from './trainer.ts';

const MAIN = fileURLToPath(new URL('../../services/standalone/src/main.ts', import.meta.url));
const START_MS = 240_000;

export interface RunningLamina {
  readonly url: string;
  readonly client: Client;
  readonly pid: number;
  /** What it has printed and logged. */
  output(): string;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
}

export interface LaminaFolder {
  readonly path: string;
  readonly data: string;
  /** What its processes get as their environment. */
  readonly environment: Readonly<Record<string, string>>;
  start(): Promise<RunningLamina>;
  /** Starts it where that is expected to fail. */
  startFailing(): Promise<{ code: number | null; output: string }>;
  /** `kill -9` of everything at once, Temporal and trainers too, as when the machine goes down. */
  crash(): Promise<void>;
  /** Ends whatever is left, and removes the folder. */
  remove(): Promise<void>;
}

export async function createLaminaFolder(env: Readonly<Record<string, string>> = {}): Promise<LaminaFolder> {
  const path = mkdtempSync(join(tmpdir(), 'lamina-'));
  const data = join(path, 'data');
  mkdirSync(data);
  const port = await freePort();
  const temporal = process.env.LAMINA_TEMPORAL;
  if (!temporal) throw new Error('LAMINA_TEMPORAL is not set: run this through `npm test`.');
  const environment = {
    ...trainerEnvironment(),
    LAMINA_DATA: data,
    LAMINA_PORT: String(port),
    LAMINA_TRAINER_PYTHON: trainerPython(),
    LAMINA_TRAINER_CACHE: join(path, 'trainer-cache'),
    LAMINA_TEMPORAL: temporal,
    LAMINA_LOG_LEVEL: 'warn',
    ...env,
  };
  const running = new Set<ChildProcess>();

  function launch(): { child: ChildProcess; output: () => string; exit: Promise<number | null> } {
    const child = spawn(process.execPath, [MAIN], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let output = '';
    const add = (text: string): void => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', add);
    child.stderr.setEncoding('utf8').on('data', add);
    const exit = new Promise<number | null>((resolve) => {
      child.once('exit', (code) => {
        running.delete(child);
        resolve(code);
      });
    });
    return { child, output: () => output, exit };
  }

  async function crash(): Promise<void> {
    for (const child of running) child.kill('SIGKILL');
    endLeftovers(data);
    await sleep(300);
  }

  return {
    path,
    data,
    environment,
    async start() {
      const { child, output, exit } = launch();
      let ended = false;
      void exit.then(() => {
        ended = true;
      });
      const giveUpAt = performance.now() + START_MS;
      let url: string | undefined;
      while (url === undefined) {
        url = /Lamina is at (\S+)/.exec(output())?.[1];
        if (ended || performance.now() > giveUpAt) throw new Error(`the service did not start:\n${output()}`);
        if (url === undefined) await sleep(20);
      }
      return {
        url,
        client: createClient(url),
        pid: child.pid as number,
        output,
        async kill() {
          child.kill('SIGKILL');
          await exit;
        },
        async stop() {
          child.kill('SIGTERM');
          return exit;
        },
      };
    },
    async startFailing() {
      const { output, exit } = launch();
      return { code: await exit, output: output() };
    },
    crash,
    async remove() {
      await crash();
      rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
  };
}

/** What a killed service leaves running on purpose: Temporal, trials, the warm trainer. All of it names its folder. */
function endLeftovers(data: string): void {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const commandLine = readText(`/proc/${entry}/cmdline`);
    if (commandLine.includes(data)) process.kill(Number(entry), 'SIGKILL');
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

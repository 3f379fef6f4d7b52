/** Commands of the host, and how this module speaks to a person. */
import { execFile, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a command; answers its standard output. What it said is in the error where it fails. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input, env, cwd } = options;
  const running = execute(command, [...args], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  });
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(input ?? '');
  try {
    return (await running).stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const tail = stderr.trim().split('\n').slice(-20).join('\n');
    throw new Error(`${command} ${args.slice(0, 6).join(' ')} failed: ${tail || message}`, { cause: error });
  }
}

interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

/** Asks until the answer is yes. */
export async function until(what: string, seconds: number, ask: () => Promise<boolean>, everyMs = 100): Promise<void> {
  const giveUpAt = performance.now() + seconds * 1000;
  let last: unknown = null;
  while (performance.now() < giveUpAt) {
    try {
      if (await ask()) return;
    } catch (error) {
      last = error;
    }
    await sleep(everyMs);
  }
  throw new Error(`${what}: not within ${seconds} s`, { cause: last });
}

export type Say = (line: string) => void;

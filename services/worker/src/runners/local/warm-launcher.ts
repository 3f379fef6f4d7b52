import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Launcher, LaunchItem } from './launcher.ts';
import { identify, type ProcessIdentity } from './processes.ts';

const reply = z.union([z.object({ pid: z.number().int().positive() }), z.object({ error: z.string() })]);

export interface WarmLauncherOptions {
  /** What starts the server; `--socket PATH` is appended. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** At most 100 bytes or so: the kernel's limit on socket paths. Holds the trainer's revision, so that a server with other code is never asked. */
  readonly socket: string;
  readonly logFile: string;
  /** How long the first imports may take. */
  readonly startTimeoutMs: number;
}

/** Starts attempts as forks of one server that has imported the trainer's libraries already. */
export function createWarmLauncher(options: WarmLauncherOptions): Launcher {
  let starting: Promise<void> | null = null;

  async function answers(): Promise<boolean> {
    try {
      await ask(options.socket, { op: 'ping' }, 5_000);
      return true;
    } catch {
      return false;
    }
  }

  async function start(): Promise<void> {
    if (await answers()) return;
    mkdirSync(dirname(options.socket), { recursive: true, mode: 0o700 });
    mkdirSync(dirname(options.logFile), { recursive: true });
    const log = openSync(options.logFile, 'a');
    const [program, ...args] = options.command as [string, ...string[]];
    const server = spawn(program, [...args, '--socket', options.socket], {
      detached: true,
      stdio: ['ignore', log, log],
      env: options.env,
    });
    closeSync(log);
    let ended: string | null = null;
    server.once('error', (error) => {
      ended = error.message;
    });
    server.once('exit', (code, signal) => {
      ended = `ended with ${signal ?? `code ${code}`}`;
    });
    server.unref();
    const giveUpAt = performance.now() + options.startTimeoutMs;
    while (!(await answers())) {
      if (ended !== null) throw new Error(`the warm trainer ${ended}; see ${options.logFile}`);
      if (performance.now() > giveUpAt) throw new Error(`the warm trainer did not answer; see ${options.logFile}`);
      await sleep(100);
    }
  }

  function warm(): Promise<void> {
    starting ??= start().finally(() => {
      starting = null;
    });
    return starting;
  }

  return {
    name: 'warm',
    async start({ attemptDir, env }: LaunchItem): Promise<ProcessIdentity> {
      const launch = async (): Promise<unknown> => {
        await warm();
        return ask(options.socket, { op: 'launch', attemptDir, env }, 30_000);
      };
      // An idle server may end between the two questions; launching is idempotent while the attempt lives.
      const answer = reply.parse(await launch().catch(launch));
      if ('error' in answer) throw new Error(answer.error);
      // It may have ended already; then status.json tells the rest.
      return identify(answer.pid) ?? { pid: answer.pid, startTicks: -1 };
    },
    async close() {
      const server = reply.safeParse(await ask(options.socket, { op: 'ping' }, 5_000).catch(() => null)).data;
      // It ends once its children have.
      if (server !== undefined && 'pid' in server) process.kill(server.pid, 'SIGTERM');
    },
  };
}

/** One question, one line of JSON as answer. */
async function ask(path: string, question: object, timeoutMs: number): Promise<unknown> {
  const socket: Socket = connect(path);
  try {
    return await new Promise<unknown>((resolve, reject) => {
      let received = '';
      socket.setEncoding('utf8');
      socket.setTimeout(timeoutMs, () => reject(new Error('the warm trainer does not answer')));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the warm trainer closed the connection')));
      socket.on('data', (chunk: string) => {
        received += chunk;
        const end = received.indexOf('\n');
        if (end < 0) return;
        try {
          resolve(JSON.parse(received.slice(0, end)));
        } catch (error) {
          reject(error);
        }
      });
      socket.write(`${JSON.stringify(question)}\n`);
    });
  } finally {
    socket.destroy();
  }
}

/** Temporal's dev server as a child with a file database. It outlives a killed parent, and the next one adopts it. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@lamina/platform/process/free-port.ts';
import { readJson, writeJson } from '@lamina/worker/runners/local/files.ts';
import { identify, isAlive, type ProcessIdentity } from '@lamina/worker/runners/local/processes.ts';
import { Connection } from '@temporalio/client';
import { z } from 'zod';

const NAMESPACE = 'default';
const START_TIMEOUT_MS = 60_000;
const ADOPT_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 15_000;

/** How often it is started where it ends by itself, each time on another port. */
const STARTS = 3;

const pidFile = z.object({
  pid: z.number().int().positive(),
  startTicks: z.number().int(),
  port: z.number().int(),
});

export interface TemporalServer {
  readonly address: string;
  readonly namespace: string;
  readonly adopted: boolean;
  /** Resolves when the server has ended and its database is closed. */
  stop(): Promise<void>;
}

/** @throws Error when the server does not come up within a minute */
export async function startTemporalServer(options: {
  readonly executable: string;
  readonly folder: string;
}): Promise<TemporalServer> {
  mkdirSync(options.folder, { recursive: true });
  const file = join(options.folder, 'server.json');
  const logFile = join(options.folder, 'server.log');
  const database = join(options.folder, 'temporal.sqlite');
  const noted = pidFile.safeParse(readJson(file)).data;
  // Killed between starting it and noting it down, we would find its database locked.
  const before = noted !== undefined && isAlive(noted) ? noted : (findServer(database) ?? noted);

  if (before !== undefined && isAlive(before)) {
    if (await ready(addressOf(before.port), ADOPT_TIMEOUT_MS, () => isAlive(before))) {
      return server(before, before.port, true);
    }
    await end(before);
  }

  let port = await freePort('127.0.0.1', before?.port ?? null);
  for (let left = STARTS; ; left -= 1) {
    const identity = await launch(port);
    if (await ready(addressOf(port), START_TIMEOUT_MS, () => isAlive(identity))) return server(identity, port, false);
    const endedByItself = !isAlive(identity);
    await end(identity);
    if (!endedByItself) throw new Error(`Temporal did not answer within ${START_TIMEOUT_MS / 1000} s; see ${logFile}`);
    if (left === 1) throw new Error(`Temporal did not start: ${lastLine(logFile)}; see ${logFile}`);
    // Another process may have taken the port, or one of those that the server chooses for itself.
    port = await freePort();
  }

  async function launch(port: number): Promise<ProcessIdentity> {
    const log = openSync(logFile, 'a');
    const args = ['--ip', '127.0.0.1', '--port', String(port), '--headless', '--log-level', 'error'];
    const child = spawn(options.executable, ['server', 'start-dev', '--db-filename', database, ...args], {
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const spawned = new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(new Error(`Temporal could not be started: ${error.message}`)));
    });
    const identity = child.pid === undefined ? null : identify(child.pid);
    if (identity !== null) writeJson(file, { ...identity, port });
    await spawned;
    child.unref();
    if (identity === null) throw new Error(`Temporal ended at once; see ${logFile}`);
    return identity;
  }

  function server(identity: ProcessIdentity, port: number, adopted: boolean): TemporalServer {
    return {
      address: addressOf(port),
      namespace: NAMESPACE,
      adopted,
      async stop() {
        await end(identity);
        // The port is worth remembering, the process is not.
        writeJson(file, { pid: identity.pid, startTicks: -1, port });
      },
    };
  }
}

function addressOf(port: number): string {
  return `127.0.0.1:${port}`;
}

function lastLine(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').at(-1) || 'it ended at once and said nothing';
}

/** A living server of this database, by its command line. */
function findServer(database: string): (ProcessIdentity & { port: number }) | undefined {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = commandLine(entry);
    if (words[words.indexOf('--db-filename') + 1] !== database) continue;
    const identity = identify(Number(entry));
    const port = Number(words[words.indexOf('--port') + 1]);
    if (identity !== null && isAlive(identity)) return { ...identity, port };
  }
  return undefined;
}

function commandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

async function ready(address: string, withinMs: number, alive: () => boolean): Promise<boolean> {
  const giveUpAt = performance.now() + withinMs;
  while (alive() && performance.now() < giveUpAt) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: '2s' });
      try {
        await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
        return true;
      } finally {
        await connection.close();
      }
    } catch {
      await sleep(50);
    }
  }
  return false;
}

async function end(identity: ProcessIdentity): Promise<void> {
  const killAt = performance.now() + STOP_TIMEOUT_MS;
  if (isAlive(identity)) process.kill(identity.pid, 'SIGTERM');
  while (isAlive(identity)) {
    if (performance.now() > killAt) process.kill(identity.pid, 'SIGKILL');
    await sleep(20);
  }
}

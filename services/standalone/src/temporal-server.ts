/** Temporal's dev server as a child with a file database. It outlives a killed parent, and the next one adopts it. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readJson, writeJson } from '@lamina/worker/runners/local/files.ts';
import { identify, isAlive, type ProcessIdentity } from '@lamina/worker/runners/local/processes.ts';
import { Connection } from '@temporalio/client';
import { z } from 'zod';

const NAMESPACE = 'default';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

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
    const address = `127.0.0.1:${before.port}`;
    if (await ready(address, 10_000, () => isAlive(before))) return server(before, address, true);
    await end(before);
  }

  const port = before !== undefined && (await isFree(before.port)) ? before.port : await freePort();
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
  const address = `127.0.0.1:${port}`;
  if (!(await ready(address, START_TIMEOUT_MS, () => isAlive(identity)))) {
    await end(identity);
    throw new Error(`Temporal did not start; see ${logFile}`);
  }
  return server(identity, address, false);

  function server(identity: ProcessIdentity, address: string, adopted: boolean): TemporalServer {
    return {
      address,
      namespace: NAMESPACE,
      adopted,
      async stop() {
        await end(identity);
        // The port is worth remembering, the process is not.
        writeJson(file, { pid: identity.pid, startTicks: -1, port: Number(address.split(':')[1]) });
      },
    };
  }
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

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port')),
      );
    });
  });
}

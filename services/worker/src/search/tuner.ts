/** The tuner, a process of the trainer's environment: there while a search goes on, and started again when it dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerLog } from '../log.ts';

/** How often it is asked whether a search goes on, and whether the tuner lives. */
const LOOK_MS = 1000;
/** A tuner that no search has needed for so long is ended. */
const IDLE_MS = 120_000;
/** One that lived for less than this has not started; the next try waits. */
const SHORT_LIFE_MS = 5000;
const LONGEST_WAIT_MS = 60_000;
/** For the step that it is at; it can be repeated, should this be too short. */
const GRACE_MS = 10_000;

export interface TunerSettings {
  /** The trainer environment's interpreter. */
  readonly python: string;
  /** Its whole environment, with the trainer's package on the path. */
  readonly env: Readonly<Record<string, string>>;
  readonly temporal: { readonly address: string; readonly namespace: string };
  /** Where studies are kept: a folder, or the URL of a Postgres database. */
  readonly storage: string;
  readonly logFile: string;
}

export interface Tuner {
  /** Id of the process that is alive; null: none is. */
  pid(): number | null;
  close(): Promise<void>;
}

/** @param needed whether a search goes on */
export function keepTuner(settings: TunerSettings, needed: () => Promise<boolean>, log: WorkerLog): Tuner {
  const stopping = new AbortController();
  let child: ChildProcess | null = null;
  let neededAt = 0;
  let failures = 0;
  let notBefore = 0;

  function start(): void {
    const startedAt = performance.now();
    const started = spawnTuner(settings);
    child = started;
    const ended = (why: string) => {
      if (child !== started) return;
      child = null;
      failures = performance.now() - startedAt < SHORT_LIFE_MS ? failures + 1 : 0;
      notBefore = failures === 0 ? 0 : performance.now() + Math.min(LONGEST_WAIT_MS, LOOK_MS * 2 ** failures);
      if (!stopping.signal.aborted) log.warn({ why, log: settings.logFile }, 'the tuner has ended');
    };
    started.once('error', (error) => ended(error.message));
    started.once('exit', (code, signal) => ended(signal ?? `code ${code}`));
    log.info({ pid: started.pid, log: settings.logFile }, 'the tuner starts');
  }

  async function look(): Promise<void> {
    const now = performance.now();
    if (await needed()) neededAt = now;
    else if (child === null || now - neededAt < IDLE_MS) return;
    else return end(child);
    if (child === null && now >= notBefore && !stopping.signal.aborted) start();
  }

  const looking = (async () => {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => log.warn({ err: error }, 'whether a tuner is needed is not known'));
      await sleep(LOOK_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();

  return {
    pid: () => child?.pid ?? null,
    async close() {
      stopping.abort();
      await looking;
      if (child !== null) await end(child);
    },
  };
}

function spawnTuner({ python, env, temporal, storage, logFile }: TunerSettings): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const server = ['--temporal', temporal.address, '--namespace', temporal.namespace];
  const child = spawn(python, ['-m', 'lamina_trainer', 'tuner', ...server, '--exit-with-parent'], {
    stdio: ['ignore', log, log],
    // Not an argument: those are seen by everybody on the machine, and a URL may hold a password.
    env: { ...env, LAMINA_TUNER_STORAGE: storage },
  });
  closeSync(log);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

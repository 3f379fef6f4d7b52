/** One warm process of the trainer that traces; started when first asked, again when it has ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { traceProfile } from '@lamina/domain/memory/traced.ts';
import { canonical } from '@lamina/domain/vocabulary/canonical.ts';
import { z } from 'zod';
import type { TraceAnswer, TraceQuestion, Tracer } from '../application/ports/tracer.ts';
import type { Logger } from '../process/logging.ts';

export interface TraceProcessOptions {
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
  /** Folder for answers. */
  readonly cache: string;
  /** Revision of the trainer, whose code decides the answers. */
  readonly revision: string;
  readonly log: Logger;
}

const answerLine = z.union([
  z.object({ id: z.int(), profile: traceProfile }),
  z.object({ id: z.int().nullable(), error: z.string() }),
]);

/** A question that takes longer has hung, imports included. */
const HUNG_MS = 180_000;
/** After the process ended by itself, so long no other is started. */
const REST_MS = 30_000;
/** Answers kept in memory. */
const KEPT = 2000;

export function createTraceProcess({ python, env, cache, revision, log }: TraceProcessOptions): Tracer {
  const answers = new Map<string, Promise<TraceAnswer | null>>();
  const waiting = new Map<number, (answer: TraceAnswer | null) => void>();
  let child: ChildProcess | null = null;
  let notBefore = 0;
  let next = 0;

  function ended(process: ChildProcess): void {
    if (child !== process) return;
    child = null;
    notBefore = performance.now() + REST_MS;
    for (const answer of waiting.values()) answer(null);
    waiting.clear();
  }

  function running(): ChildProcess | null {
    if (child !== null || performance.now() < notBefore) return child;
    const started = spawn(python, ['-m', 'lamina_trainer', 'trace', '--serve'], {
      env: { ...env, HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: '1', CUDA_VISIBLE_DEVICES: '' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child = started;
    started.on('error', (error) => {
      log.warn({ err: error }, 'the tracer cannot be started: models without formulas have no memory estimate');
      ended(started);
    });
    started.on('exit', () => ended(started));
    started.stdin.on('error', () => ended(started));
    createInterface({ input: started.stdout }).on('line', (line) => received(line));
    return started;
  }

  function received(line: string): void {
    const read = answerLine.safeParse(parsed(line));
    if (!read.success || read.data.id === null) return;
    waiting.get(read.data.id)?.(read.data);
    waiting.delete(read.data.id);
  }

  function ask(question: TraceQuestion): Promise<TraceAnswer | null> {
    const process = running();
    if (process === null) return Promise.resolve(null);
    const id = next++;
    return new Promise((resolve) => {
      const hung = setTimeout(() => process.kill('SIGKILL'), HUNG_MS);
      hung.unref();
      waiting.set(id, (answer) => {
        clearTimeout(hung);
        resolve(answer);
      });
      process.stdin?.write(`${JSON.stringify({ id, ...question })}\n`);
    });
  }

  async function answered(key: string, question: TraceQuestion): Promise<TraceAnswer | null> {
    const file = join(cache, `${key}.json`);
    const stored = traceProfile.safeParse(parsed(await readFile(file, 'utf8').catch(() => '')));
    if (stored.success) return { profile: stored.data };
    const answer = await ask(question);
    if (answer !== null && 'profile' in answer) await store(file, JSON.stringify(answer.profile));
    return answer;
  }

  async function store(file: string, text: string): Promise<void> {
    try {
      await mkdir(cache, { recursive: true });
      const temporary = `${file}.${process.pid}`;
      await writeFile(temporary, text);
      await rename(temporary, file);
    } catch (error) {
      log.warn({ err: error }, 'a traced profile cannot be kept');
    }
  }

  return {
    async trace(question, withinMs) {
      const key = createHash('sha256')
        .update(canonical({ revision, ...question }))
        .digest('hex');
      let answer = answers.get(key);
      if (answer === undefined) {
        answer = answered(key, question);
        answers.set(key, answer);
        void answer.then((found) => {
          if (found === null) answers.delete(key);
        });
        const oldest = answers.keys().next().value;
        if (answers.size > KEPT && oldest !== undefined) answers.delete(oldest);
      }
      return Promise.race([answer, after(withinMs)]);
    },
    async close() {
      const process = child;
      if (process === null) return;
      ended(process);
      const gone = new Promise((resolve) => process.once('exit', resolve));
      process.kill('SIGKILL');
      await gone;
    },
  };
}

function after(ms: number): Promise<null> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(null), ms).unref();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

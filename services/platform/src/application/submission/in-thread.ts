/** Work on files that takes long, or parses much, away from the loop that answers requests. */
import { Worker } from 'node:worker_threads';
import type { Problem } from './model-files.ts';

interface Tasks {
  /** SHA-256 of a file's content, hex. */
  readonly sha256: string;
  /** What is wrong with a model folder. */
  readonly inspect: Problem | null;
  /** Files of a model folder that its fingerprint is made of. */
  readonly content: readonly string[];
}

export type Task = keyof Tasks;

/** As many threads as this read at a time: more would only compete for one disk. */
const MOST_AT_ONCE = 2;

const waiting: (() => void)[] = [];
let running = 0;

export async function inThread<T extends Task>(task: T, path: string): Promise<Tasks[T]> {
  if (running >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await new Promise<Tasks[T]>((resolve, reject) => {
      const worker = new Worker(new URL('./files-thread.ts', import.meta.url), { workerData: { task, path } });
      worker.once('message', resolve).once('error', reject);
      worker.once('exit', () => reject(new Error(`the thread that read ${path} ended without an answer`)));
    });
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

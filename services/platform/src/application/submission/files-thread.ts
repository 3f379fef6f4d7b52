/** A thread that reads files for the service, one task each: `in-thread.ts` starts it. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Task } from './in-thread.ts';
import { inspectModel, smallFiles, weightFiles } from './model-files.ts';

const CHUNK = 4 * 1024 * 1024;

function sha256(path: string): string {
  const file = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.alloc(CHUNK);
    for (;;) {
      const read = readSync(file, buffer, 0, CHUNK, null);
      if (read === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}

const WORK = {
  sha256,
  inspect: inspectModel,
  content: (folder: string) => [...smallFiles(folder), ...weightFiles(folder)],
};

const { task, path } = workerData as { readonly task: Task; readonly path: string };
parentPort?.postMessage(WORK[task](path));

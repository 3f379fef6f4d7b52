import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';
import { judgeResult, RESULT_FILE } from '@lamina/domain/contract/attempt-result.ts';
import { trialExit } from '@lamina/domain/contract/trial.ts';
import { z } from 'zod';
import type { Evidence } from './diagnosis.ts';
import { readContent, readJson } from './files.ts';

const status = z.object({ code: z.number().int().nullable(), signal: z.string().nullable(), endedAt: z.string() });
export type Status = z.infer<typeof status>;

/** How the process ended, as its parent wrote it down; null while it has not. */
export function readStatus(attemptDir: string): Status | null {
  return status.safeParse(readJson(join(attemptDir, 'status.json'))).data ?? null;
}

/** What the trainer itself left in the attempt's folder. */
export function gatherTraces(attemptDir: string, ref: AttemptRef): Pick<Evidence, 'exit' | 'result' | 'logTail'> {
  return {
    exit: trialExit.safeParse(readJson(join(attemptDir, 'exit.json'))).data ?? null,
    result: readResult(attemptDir, ref),
    logTail: readTail(join(attemptDir, 'log.txt')),
  };
}

function readResult(attemptDir: string, ref: AttemptRef): Evidence['result'] {
  const judged = judgeResult(readContent(join(attemptDir, RESULT_FILE)), ref);
  return 'problem' in judged ? judged : { status: judged.result.status };
}

const TAIL_BYTES = 8_192;

function readTail(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const size = fstatSync(file).size;
      const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

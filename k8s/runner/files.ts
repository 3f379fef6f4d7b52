/** What the runner reads and writes in the artifact store; the composition says where that is. */
import { createHash } from 'node:crypto';
import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';
import { judgeResult, RESULT_FILE } from '@lamina/domain/contract/attempt-result.ts';
import { type TrialExit, trialExit } from '@lamina/domain/contract/trial.ts';
import type { ResultEvidence } from '../evidence.ts';

export interface AttemptFiles {
  /** A file of the attempt's folder; null where there is none. */
  read(ref: AttemptRef, name: string): Promise<Uint8Array | null>;
  has(ref: AttemptRef, name: string): Promise<boolean>;
  write(ref: AttemptRef, name: string, content: Uint8Array): Promise<void>;
}

export const LOG_FILE = 'log.txt';

export async function readExit(files: AttemptFiles, ref: AttemptRef): Promise<TrialExit | null> {
  const content = await files.read(ref, 'exit.json');
  return content === null ? null : (trialExit.safeParse(parse(content)).data ?? null);
}

export async function readResult(files: AttemptFiles, ref: AttemptRef): Promise<ResultEvidence> {
  const content = await files.read(ref, RESULT_FILE);
  const judged = judgeResult(content, ref);
  if ('problem' in judged) return judged;
  const sha256 = content === null ? null : createHash('sha256').update(content).digest('hex');
  return { status: judged.result.status, sha256 };
}

function parse(content: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    return undefined;
  }
}

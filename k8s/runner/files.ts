/** What the runner reads and writes in the artifact store; the composition says where that is. */
import { createHash } from 'node:crypto';
import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';
import { attemptResult } from '@lamina/domain/contract/attempt-result.ts';
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
  const content = await files.read(ref, 'result.json');
  if (content === null) return { problem: 'there is no result.json' };
  const parsed = attemptResult.safeParse(parse(content));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { problem: `${issue?.path.join('.')}: ${issue?.message}` };
  }
  if (parsed.data.attemptId !== ref.attemptId) return { problem: `it belongs to attempt ${parsed.data.attemptId}` };
  return { status: parsed.data.status, sha256: createHash('sha256').update(content).digest('hex') };
}

function parse(content: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    return undefined;
  }
}

/** result.json of an attempt, judged in one place: runners diagnose from it, and what it holds is then recorded. */
import type { AttemptRef } from './attempt.ts';
import { DATASET_TRIAL, type GenerationResult, generationResult } from './generation.ts';
import { type TrialResult, trialResult } from './result.ts';

export type AttemptResult = TrialResult | GenerationResult;

export type JudgedResult =
  | { readonly result: AttemptResult }
  /** Why there is no result that can be used. */
  | { readonly problem: string };

/** In the attempt's folder. */
export const RESULT_FILE = 'result.json';

/** @param content of `RESULT_FILE`; null where there is none */
export function judgeResult(content: Uint8Array | null, ref: AttemptRef): JudgedResult {
  if (content === null) return { problem: `there is no ${RESULT_FILE}` };
  const kind = ref.trialId === DATASET_TRIAL ? generationResult : trialResult;
  const read = kind.safeParse(parse(content));
  if (!read.success) {
    const issue = read.error.issues[0];
    const at = issue?.path.length ? `${issue.path.join('.')}: ` : '';
    return { problem: `${RESULT_FILE} is not valid: ${at}${issue?.message}` };
  }
  const { trialId, attemptId } = read.data;
  if (attemptId !== ref.attemptId) return { problem: `${RESULT_FILE} is of another attempt, ${attemptId}` };
  if (trialId !== ref.trialId) return { problem: `${RESULT_FILE} is of another trial, ${trialId}` };
  return { result: read.data };
}

/** Undefined where it is no JSON, which no schema takes. */
function parse(content: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    return undefined;
  }
}

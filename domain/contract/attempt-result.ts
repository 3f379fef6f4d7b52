/** What an attempt of either kind leaves in result.json, as far as it is the same. */
import { z } from 'zod';
import { generationResult } from './generation.ts';
import { trialResult } from './result.ts';

/** A generation says that it is one: a mistake is then told of the right kind. */
export const attemptResult = z.unknown().transform((input, context) => {
  const isGeneration = (input as { kind?: unknown } | null)?.kind === 'generation';
  const read = (isGeneration ? generationResult : trialResult).safeParse(input);
  if (read.success) return read.data;
  for (const found of read.error.issues) context.issues.push({ ...found, input } as z.core.$ZodRawIssue);
  return z.NEVER;
});

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Submission } from '@lamina/cli/client.ts';
import { parseDocument } from 'yaml';

/** A document file as a submission, with other seeds where they are given; comments and layout stay. */
export async function readSubmission(file: string, seeds: readonly number[] | null): Promise<Submission> {
  const text = await readFile(file, 'utf8');
  return {
    document: seeds === null ? text : withSeeds(text, seeds),
    baseDirectory: dirname(resolve(file)),
    reuse: true,
  };
}

/** Left as it is where it is no YAML mapping: the API says what is wrong with it. */
export function withSeeds(text: string, seeds: readonly number[]): string {
  const document = parseDocument(text);
  if (document.errors.length > 0) return text;
  document.setIn(['matrix', 'seed'], [...seeds]);
  return document.toString();
}

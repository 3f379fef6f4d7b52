/** From text to plain values: YAML 1.2 (JSON is part of it), bounded against hostile input. */
import { parseDocument as parseYaml } from 'yaml';
import type { Issue } from './problems.ts';

/** Longest document in characters; the largest sensible one is a few kilobytes. */
export const MAX_TEXT = 1_000_000;
/** How often aliases may be expanded: a bomb of nine levels of nine needs billions. */
const MAX_ALIASES = 100;

export function readText(text: string): { readonly value: unknown } | { readonly issues: readonly Issue[] } {
  if (text.length > MAX_TEXT)
    return failure(
      `is too long: ${text.length} characters, at most ${MAX_TEXT} are read`,
      'keep data in a file and name it in dataset.path',
    );
  if (text.trim() === '') return failure('is empty', 'start from examples/quickstart.yaml');
  try {
    const yaml = parseYaml(text, { uniqueKeys: true, prettyErrors: false, stringKeys: true, version: '1.2' });
    const problems = [...yaml.errors, ...yaml.warnings];
    if (problems.length > 0) {
      return {
        issues: problems.map((found) => ({ path: '', message: `${place(text, found.pos[0])}: ${found.message}` })),
      };
    }
    return { value: yaml.toJS({ maxAliasCount: MAX_ALIASES }) };
  } catch (error) {
    if (error instanceof RangeError) return failure('is nested too deeply', 'a document has at most five levels');
    return failure(
      `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'write it without YAML anchors and aliases',
    );
  }
}

function failure(message: string, fix: string): { readonly issues: readonly Issue[] } {
  return { issues: [{ path: '', message, fix }] };
}

function place(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

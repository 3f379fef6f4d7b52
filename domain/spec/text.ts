/** From text to plain values: YAML 1.2 (JSON is part of it), bounded against hostile input. */
import { type Document, isScalar, parseDocument as parseYaml, visit, type YAMLError } from 'yaml';
import { described, type Issue } from './problems.ts';

/** Longest document in characters; the largest sensible one is a few kilobytes. */
export const MAX_TEXT = 64 * 1024;
/** How often aliases may be expanded: a bomb of nine levels of nine needs billions. */
const MAX_ALIASES = 100;
/** The YAML reader recurses, and is slow on input that is nested deeper than any document needs. */
const MAX_DEPTH = 100;
/** After the first syntax errors, the rest are their consequences. */
const MAX_PROBLEMS = 20;

export function readText(text: string): { readonly value: unknown } | { readonly issues: readonly Issue[] } {
  if (text.length > MAX_TEXT)
    return failure(
      `is too long: ${text.length} characters, at most ${MAX_TEXT} are read`,
      'keep data in a file and name it in dataset.path',
    );
  if (text.trim() === '') return failure('is empty', 'start from examples/quickstart.yaml');
  if (deepest(text) > MAX_DEPTH) return tooDeep;
  try {
    const yaml = parseYaml(text, { uniqueKeys: false, prettyErrors: false, stringKeys: true, version: '1.2' });
    const problems = [...yaml.errors, ...yaml.warnings].slice(0, MAX_PROBLEMS);
    const issues = problems.length > 0 ? problems.map((problem) => toIssue(problem, text)) : repeatedKeys(yaml, text);
    if (issues.length > 0) return { issues };
    return { value: yaml.toJS({ maxAliasCount: MAX_ALIASES }) };
  } catch (error) {
    if (error instanceof RangeError) return tooDeep;
    return failure(
      `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'write it without YAML anchors and aliases',
    );
  }
}

/** An upper bound of how deep brackets, dashes and indentation nest values. */
function deepest(text: string): number {
  let open = 0;
  let most = 0;
  for (const character of text) {
    if (character === '[' || character === '{') most = Math.max(most, ++open);
    else if ((character === ']' || character === '}') && open > 0) open--;
  }
  const indents: number[] = [];
  let levels = 0;
  for (const line of text.split('\n')) {
    const indent = line.search(/[^ ]/);
    if (indent < 0) continue;
    while (indents.length > 0 && (indents.at(-1) ?? 0) >= indent) indents.pop();
    indents.push(indent);
    const dashes = /^ *((?:[-?] +)*)/.exec(line)?.[1]?.replaceAll(' ', '').length ?? 0;
    levels = Math.max(levels, indents.length + dashes);
  }
  return most + levels;
}

/** yaml's own check for repeated keys takes quadratic time. */
function repeatedKeys(yaml: Document, text: string): readonly Issue[] {
  const issues: Issue[] = [];
  visit(yaml, {
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (issues.length === MAX_PROBLEMS) return visit.BREAK;
        if (seen.has(name))
          issues.push({
            path: '',
            message: `${place(key.range?.[0] ?? 0, text)}: the key ${described(name)} is written twice`,
            fix: 'keep one of them',
          });
        seen.add(name);
      }
      return undefined;
    },
  });
  return issues;
}

function toIssue(problem: YAMLError, text: string): Issue {
  const start = place(problem.pos[0], text);
  if (problem.code === 'MULTIPLE_DOCS')
    return { path: '', message: `${start}: a second document starts here`, fix: 'submit one document at a time' };
  return { path: '', message: `${start}: ${problem.message}`, fix: 'correct the YAML there' };
}

function place(offset: number, text: string): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

function failure(message: string, fix: string): { readonly issues: readonly Issue[] } {
  return { issues: [{ path: '', message, fix }] };
}

const tooDeep = failure('is nested too deeply', 'an experiment document has at most six levels');

/** Turns what zod finds into issues that a person can act on: a path, a sentence and a fix. */
import type { z } from 'zod';
import { closest } from './suggest.ts';

/** One mistake in a document. */
export interface Issue {
  /** Where, e.g. `matrix.precision[2]`; empty for the document as a whole. */
  readonly path: string;
  readonly message: string;
  /** What to write instead, where that is known. */
  readonly fix?: string;
}

export type PathSegment = string | number;

interface Problem {
  readonly message: string;
  readonly fix?: string | undefined;
  /** The unknown key that it is about, below the path of zod's issue. */
  readonly key?: string;
}

/** zod carries a single string for an issue; fixes and several unknown keys travel in it as JSON behind this mark. */
const MARK = '\u0001';

export function encodeProblem(...problems: readonly Problem[]): string {
  return MARK + JSON.stringify(problems);
}

function decodeProblems(message: string): readonly Problem[] {
  return message.startsWith(MARK) ? JSON.parse(message.slice(MARK.length)) : [{ message }];
}

export function pathText(path: readonly PathSegment[]): string {
  return path.reduce<string>((text, segment) => {
    if (typeof segment === 'number') return `${text}[${segment}]`;
    return text === '' ? segment : `${text}.${segment}`;
  }, '');
}

export function issue(path: readonly PathSegment[], message: string, fix?: string): Issue {
  return fix === undefined ? { path: pathText(path), message } : { path: pathText(path), message, fix };
}

/** Parses with messages from this module; all issues at once, paths below `at`. */
export function check<T extends z.ZodType>(
  schema: T,
  input: unknown,
  at: readonly PathSegment[],
): { readonly value: z.output<T> } | { readonly issues: readonly Issue[] } {
  const parsed = schema.safeParse(input, { error: explain });
  if (parsed.success) return { value: parsed.data };
  return { issues: parsed.error.issues.flatMap((found) => toIssues(found, at)) };
}

function toIssues(found: z.core.$ZodIssue, at: readonly PathSegment[]): readonly Issue[] {
  const path = [...at, ...(found.path as PathSegment[])];
  if (found.code === 'invalid_union' && found.errors.length > 0)
    return closestBranch(found.errors).flatMap((inner) => toIssues(inner, path));
  return decodeProblems(found.message).map(({ key, message, fix }) =>
    issue(key === undefined ? path : [...path, key], message, fix),
  );
}

/** The alternative of a union that the input came nearest to: it failed deepest, then least often. */
function closestBranch(branches: readonly z.core.$ZodIssue[][]): readonly z.core.$ZodIssue[] {
  const depth = (branch: readonly z.core.$ZodIssue[]) => Math.max(...branch.map((found) => found.path.length));
  return branches.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0] ?? [];
}

/** zod's error map: one sentence per kind of issue. */
export function explain(raw: z.core.$ZodRawIssue): string {
  if (raw.input === undefined && raw.code !== 'custom') return encodeProblem(missing(raw));
  switch (raw.code) {
    case 'invalid_type':
      return encodeProblem({
        message: `must be ${TYPE_NAMES[raw.expected] ?? raw.expected}, got ${described(raw.input)}`,
        fix: typeFix(raw.expected, raw.input),
      });
    case 'invalid_value':
      return encodeProblem(notOneOf(raw.input, raw.values.map(String)));
    case 'unrecognized_keys':
      return encodeProblem(...raw.keys.map((key) => unknownKey(key, knownKeys(raw.inst))));
    case 'invalid_union':
      return encodeProblem(
        notOneOf(
          (raw.input as Record<string, unknown> | null)?.[String(raw.discriminator)] ?? raw.input,
          ((raw.options ?? []) as unknown[]).map(String),
        ),
      );
    case 'too_small':
      return encodeProblem(tooSmall(raw));
    case 'too_big':
      return encodeProblem(tooBig(raw));
    default:
      return encodeProblem({ message: raw.message ?? `is not valid: ${described(raw.input)}` });
  }
}

function missing(raw: z.core.$ZodRawIssue): Problem {
  if (raw.code === 'invalid_value') return { message: 'is required', fix: writeOne(raw.values.map(String)) };
  const expected = raw.code === 'invalid_type' ? (TYPE_NAMES[raw.expected] ?? raw.expected) : null;
  return { message: 'is required', ...(expected === null ? {} : { fix: `add it: ${expected}` }) };
}

function writeOne(allowed: readonly string[]): string {
  return allowed.length === 1 ? `write ${allowed[0]}` : `write one of: ${allowed.join(', ')}`;
}

export function notOneOf(input: unknown, allowed: readonly string[]): Problem {
  if (input === undefined) return { message: 'is required', fix: writeOne(allowed) };
  const near = typeof input === 'string' ? closest(input, allowed) : null;
  const message =
    allowed.length === 1
      ? `must be ${allowed[0]}, got ${described(input)}`
      : `must be one of ${allowed.join(', ')}; got ${described(input)}`;
  const fix = near === null ? writeOne(allowed) : `did you mean '${near}'?`;
  return { message, fix };
}

export function unknownKey(key: string, known: readonly string[]): Problem {
  const near = closest(key, known);
  const fix = near === null ? `known here: ${known.join(', ')}` : `did you mean '${near}'?`;
  return { key, message: 'is not a known field', fix };
}

function knownKeys(schema: unknown): readonly string[] {
  return Object.keys((schema as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def?.shape ?? {});
}

function tooSmall(raw: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall>): Problem {
  if (raw.origin === 'string') return { message: 'must not be empty', fix: 'write at least one character' };
  if (raw.origin === 'array') return { message: 'must not be empty', fix: 'leave it out, or give it a value' };
  const bound = raw.inclusive === false ? `greater than ${raw.minimum}` : `at least ${raw.minimum}`;
  return {
    message: `must be ${bound}, got ${described(raw.input)}`,
    fix: `write a number ${bound.replace('at least', 'of at least')}`,
  };
}

function tooBig(raw: z.core.$ZodRawIssue<z.core.$ZodIssueTooBig>): Problem {
  if (raw.origin === 'string') return { message: `is longer than ${raw.maximum} characters`, fix: 'shorten it' };
  const bound = raw.inclusive === false ? `less than ${raw.maximum}` : `at most ${raw.maximum}`;
  return {
    message: `must be ${bound}, got ${described(raw.input)}`,
    fix: `write a number ${bound.replace('at most', 'of at most')}`,
  };
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'a mapping of fields',
  record: 'a mapping of fields',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  null: 'null',
};

function typeFix(expected: string, input: unknown): string {
  if (expected === 'number' && typeof input === 'string' && input.trim() !== '' && Number.isFinite(Number(input)))
    return `write ${Number(input)} without quotes`;
  if (expected === 'int' && typeof input === 'number' && Number.isFinite(input)) return `write ${Math.round(input)}`;
  if (expected === 'boolean' && typeof input === 'string' && /^(yes|on|no|off)$/i.test(input))
    return `write ${/^(yes|on)$/i.test(input)}`;
  return `write ${TYPE_NAMES[expected] ?? expected}`;
}

/** A value as messages quote it: short, on one line. */
export function described(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (value !== null && typeof value === 'object') return 'a mapping of fields';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

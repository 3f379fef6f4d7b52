/** Reads the matrix of a document: every axis, value and condition is checked on its own, so that no mistake hides another. */

import { canonical } from '../vocabulary/canonical.ts';
import {
  AXIS_NAMES,
  type AxisName,
  type AxisValue,
  axisSchemas,
  type Condition,
  isAxis,
  MATRIX_DEFAULTS,
  type Matcher,
  type Matrix,
  type PartialCell,
  type PartialMatrix,
} from './axes.ts';
import { compile } from './conditions.ts';
import { check, described, type Issue, issue, type PathSegment, pathText } from './problems.ts';
import { closest } from './suggest.ts';

type Path = readonly PathSegment[];

/** `values` holds what could be read, also where there are issues, for further checks. */
export interface ReadMatrix {
  readonly matrix: Matrix;
  /** Axes that are usable: given without mistakes, or not given at all. */
  readonly sound: (axis: AxisName) => boolean;
}

export function readMatrix(input: unknown, issues: Issue[]): ReadMatrix {
  const at = ['matrix'];
  const broken = new Set<string>();
  const fields = recordOf(input ?? {}, at, issues);
  const axes: Record<string, readonly AxisValue[]> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (key === 'include' || key === 'exclude' || value === undefined) continue;
    if (!isAxis(key)) {
      issues.push(unknownAxis(key, [...at, key], ['include', 'exclude']));
      continue;
    }
    const before = issues.length;
    axes[key] = readAxis(key, value, [...at, key], issues);
    if (issues.length > before) broken.add(key);
  }
  return {
    matrix: {
      ...MATRIX_DEFAULTS,
      ...ordered(axes),
      include: readList(fields.include, [...at, 'include'], issues, readEntry),
      exclude: readList(fields.exclude, [...at, 'exclude'], issues, readMatcher),
    } as Matrix,
    sound: (axis) => !broken.has(axis),
  };
}

/** One value per axis. */
export function readCell(input: unknown, at: Path, issues: Issue[]): PartialCell {
  const cell: Record<string, AxisValue> = {};
  for (const [key, value] of Object.entries(recordOf(input ?? {}, at, issues))) {
    if (value === undefined) continue;
    if (!isAxis(key)) issues.push(unknownAxis(key, [...at, key]));
    else {
      const read = readValue(key, value, [...at, key], issues);
      if (read !== undefined) cell[key] = read.value;
    }
  }
  return ordered(cell) as PartialCell;
}

function readEntry(input: unknown, at: Path, issues: Issue[]): PartialMatrix {
  const entry: Record<string, readonly AxisValue[]> = {};
  for (const [key, value] of Object.entries(recordOf(input, at, issues))) {
    if (value === undefined) continue;
    if (isAxis(key)) entry[key] = readAxis(key, value, [...at, key], issues);
    else issues.push(unknownAxis(key, [...at, key]));
  }
  return ordered(entry) as PartialMatrix;
}

function readMatcher(input: unknown, at: Path, issues: Issue[]): Matcher {
  const matcher: Record<string, readonly Condition[]> = {};
  const fields = Object.entries(recordOf(input, at, issues)).filter(([, value]) => value !== undefined);
  if (fields.length === 0 && isRecord(input))
    issues.push(issue(at, 'has no condition and would leave out every cell', 'name an axis, e.g. {layers: "<9"}'));
  for (const [key, value] of fields) {
    if (!isAxis(key)) {
      issues.push(unknownAxis(key, [...at, key]));
      continue;
    }
    const conditions = (Array.isArray(value) ? value : [value]) as Condition[];
    if (conditions.length === 0) issues.push(issue([...at, key], 'must not be empty', 'leave it out, or give a value'));
    for (const [index, condition] of conditions.entries()) {
      const compiled = compile(key, condition, Array.isArray(value) ? [...at, key, index] : [...at, key]);
      if ('issues' in compiled) issues.push(...compiled.issues);
    }
    matcher[key] = conditions;
  }
  return ordered(matcher) as Matcher;
}

/** A value or a list of them; repeated ones are mistakes. */
export function readAxis(axis: AxisName, input: unknown, at: Path, issues: Issue[]): readonly AxisValue[] {
  const items = Array.isArray(input) ? input : [input];
  if (items.length === 0) issues.push(issue(at, 'is an empty axis', 'leave it out, or give it at least one value'));
  const seen = new Map<string, Path>();
  const values: AxisValue[] = [];
  for (const [index, item] of items.entries()) {
    const place = Array.isArray(input) ? [...at, index] : at;
    const read = readValue(axis, item, place, issues);
    if (read === undefined) continue;
    const key = canonical(read.value);
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, place);
      values.push(read.value);
    } else issues.push(issue(place, `repeats ${pathText(first)}: ${described(item)}`, 'remove it'));
  }
  return values;
}

function readValue(axis: AxisName, input: unknown, at: Path, issues: Issue[]): { value: AxisValue } | undefined {
  const read = check(axisSchemas[axis], input, at);
  if ('value' in read) return read as { value: AxisValue };
  issues.push(...read.issues);
  return undefined;
}

function readList<T>(
  input: unknown,
  at: Path,
  issues: Issue[],
  read: (item: unknown, at: Path, issues: Issue[]) => T,
): readonly T[] {
  if (input === undefined || input === null) return [];
  if (!Array.isArray(input)) {
    issues.push(issue(at, `must be a list, got ${described(input)}`, 'start each entry with "- "'));
    return [];
  }
  return input.map((item, index) => read(item, [...at, index], issues));
}

export function isRecord(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

function recordOf(input: unknown, at: Path, issues: Issue[]): Record<string, unknown> {
  if (isRecord(input)) return input;
  issues.push(issue(at, `must be a mapping of fields, got ${described(input)}`));
  return {};
}

function unknownAxis(key: string, at: Path, further: readonly string[] = []): Issue {
  const path = AXIS_NAMES.find((name) => name.endsWith(`.${key}`));
  const near = path ?? closest(key, [...AXIS_NAMES, ...further]);
  return issue(
    at,
    'is not an axis',
    near === null
      ? 'axes are model, layers, precision, method, seed and the settings by path, e.g. training.learningRate'
      : `did you mean '${near}'?`,
  );
}

/** The order of axes does not depend on the order in which they were written. */
function ordered<T>(axes: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(AXIS_NAMES.flatMap((name) => (name in axes ? [[name, axes[name] as T]] : [])));
}

/** Conditions of `matrix.exclude`: values, ranges and wildcards on one axis. */

import { canonical } from '../vocabulary/canonical.ts';
import { type AxisName, type AxisValue, axisSchemas, type Condition } from './axes.ts';
import { check, type Issue, issue, type PathSegment } from './problems.ts';

/** What a condition looks at. For `layers`, `kept` is the number of layers that remain, where it is known. */
export interface Subject {
  readonly value: AxisValue | undefined;
  readonly kept?: number | null;
}
export type Test = (subject: Subject) => boolean;

const COMPARISON = /^(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?(?:e-?\d+)?)$/i;
const INTERVAL = /^(-?\d+(?:\.\d+)?(?:e-?\d+)?)\s*\.\.\s*(-?\d+(?:\.\d+)?(?:e-?\d+)?)$/i;

/** Turns a condition into a test, or says what is wrong with it. */
export function compile(
  axis: AxisName,
  condition: Condition,
  at: readonly PathSegment[],
): { readonly value: Test } | { readonly issues: readonly Issue[] } {
  const range = typeof condition === 'string' ? rangeOf(condition) : null;
  if (range !== null) {
    if (!isNumeric(axis))
      return {
        issues: [issue(at, `is a range, but ${axis} has no numbers`, 'write a value, or a pattern such as "nf4*"')],
      };
    return { value: (subject) => inRange(numberOf(axis, subject), range) };
  }
  if (typeof condition === 'string' && condition.includes('*') && !isNumeric(axis)) {
    const pattern = wildcard(condition);
    return { value: ({ value }) => namesOf(value).some((name) => pattern.test(name)) };
  }
  const valid = check(axisSchemas[axis], condition, at);
  if ('issues' in valid) return valid;
  const wanted = valid.value as AxisValue;
  const count = axis === 'layers' && isDepth(wanted) && wanted.strategy === 'first' ? wanted.keep : null;
  return {
    value: (subject) =>
      subject.value !== undefined &&
      (canonical(subject.value) === canonical(wanted) || (count !== null && subject.kept === count)),
  };
}

function isDepth(value: AxisValue): value is Extract<AxisValue, { strategy: string }> {
  return typeof value === 'object' && value !== null && 'strategy' in value;
}

interface Range {
  readonly low: number;
  readonly high: number;
  readonly openLow: boolean;
  readonly openHigh: boolean;
}

function rangeOf(text: string): Range | null {
  const interval = INTERVAL.exec(text.trim());
  if (interval !== null)
    return { low: Number(interval[1]), high: Number(interval[2]), openLow: false, openHigh: false };
  const [, operator, bound] = COMPARISON.exec(text.trim()) ?? [];
  if (operator === undefined) return null;
  const open = operator.length === 1;
  return operator.startsWith('<')
    ? { low: Number.NEGATIVE_INFINITY, high: Number(bound), openLow: false, openHigh: open }
    : { low: Number(bound), high: Number.POSITIVE_INFINITY, openLow: open, openHigh: false };
}

function inRange(value: number | null, range: Range): boolean {
  if (value === null) return false;
  const above = range.openLow ? value > range.low : value >= range.low;
  const below = range.openHigh ? value < range.high : value <= range.high;
  return above && below;
}

/** All layers of a model whose depth is not known count as more than any number. */
function numberOf(axis: AxisName, subject: Subject): number | null {
  if (axis !== 'layers') return typeof subject.value === 'number' ? subject.value : null;
  if (typeof subject.kept === 'number') return subject.kept;
  const choice = subject.value;
  return choice !== undefined && isDepth(choice) && choice.strategy === 'all' ? Number.POSITIVE_INFINITY : null;
}

function isNumeric(axis: AxisName): boolean {
  if (axis === 'layers') return true;
  let schema: { def: { type: string; innerType?: unknown } } = axisSchemas[axis] as never;
  while (schema.def.innerType !== undefined) schema = schema.def.innerType as typeof schema;
  return schema.def.type === 'number';
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('[^]*')}$`);
}

/** The texts that a pattern may match: a model goes by its hub id or its path. */
function namesOf(value: AxisValue | undefined): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'object' && value !== null && 'source' in value)
    return [value.source === 'hf' ? value.id : value.path];
  return [];
}

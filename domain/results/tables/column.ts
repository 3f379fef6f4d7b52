/** A column of a table: how a value is read from its row, and how it is written in every format. Data and pure functions. */
import type { Scalar } from '../../matrix/types.ts';
import type { Delta, Estimate } from '../estimates.ts';
import { fixed, gibibytes, NOT_MEASURED, significant, withHalfWidth, withRange } from '../format.ts';

export type Better = 'lower' | 'higher';
export type CellValue = string | number | null | Estimate | Delta;

/** How a figure is written, wherever it stands. */
export interface Presentation {
  /** What `show` gives; null for plain text and pure numbers. */
  readonly unit: string | null;
  /** Which way a value is better, for colours; null where it is neither. */
  readonly better: Better | null;
  /** One number, from storage units (bytes, seconds, joules) to `unit`. */
  show(value: number): string;
  /** How the interval is shown: "± half" where it is symmetric, "[low, high]" where it is not. */
  readonly interval: 'half' | 'range';
  /** Whether it is a difference or ratio paired by seed, which was tested. */
  readonly paired: boolean;
  /** Scale of the dashboard's tint; null for what repeats another column and has none. */
  readonly tint: 'linear' | 'log' | null;
  /** False for what is calculated: a column without any value is then not listed as "not measured". */
  readonly expected: boolean;
}

export interface Column<Row> extends Presentation {
  /** Field name in the comparison's JSON and, with suffixes, in CSV. */
  readonly id: string;
  readonly title: string;
  /** What `read` answers with: text, one number, or a measurement with its interval. Text is aligned left. */
  readonly kind: 'text' | 'number' | 'measured';
  read(row: Row): CellValue;
}

const PLAIN: Presentation = {
  unit: null,
  better: null,
  show: significant,
  interval: 'half',
  paired: false,
  tint: 'linear',
  expected: true,
};

export function text<Row>(id: string, title: string, read: (row: Row) => string | null): Column<Row> {
  return { ...PLAIN, id, title, kind: 'text', read };
}

export function number<Row>(
  id: string,
  title: string,
  read: (row: Row) => number | null,
  options: Partial<Presentation> = {},
): Column<Row> {
  return { ...PLAIN, id, title, kind: 'number', read, ...options };
}

export function measured<Row>(
  id: string,
  title: string,
  read: (row: Row) => Estimate | Delta,
  options: Partial<Presentation> = {},
): Column<Row> {
  return { ...PLAIN, id, title, kind: 'measured', read, ...options };
}

export const GIB = { unit: 'GiB', show: gibibytes, better: 'lower' } as const;
export const SPEED = { unit: 'tokens/s', better: 'higher' } as const;
export const SECONDS = { unit: 's', better: 'lower' } as const;
export const MILLISECONDS = {
  unit: 'ms',
  better: 'lower',
  show: (seconds: number) => significant(seconds * 1000),
} as const;
export const RATIO = { unit: '×', show: fixed(2), interval: 'range', paired: true } as const;

/** A cell for people: "2.913 ± 0.021", "0.63 [0.60, 0.66]", "–". */
export function cellText<Row>(column: Column<Row>, row: Row): string {
  const value = column.read(row);
  if (value === null) return NOT_MEASURED;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return column.show(value);
  return column.interval === 'range' ? withRange(value, column.show) : withHalfWidth(value, column.show);
}

/** The number of a cell alone (an interval's mean), for sorting and colours; null where there is none. */
export function cellNumber<Row>(column: Column<Row>, row: Row): number | null {
  const value = column.read(row);
  if (typeof value === 'number') return value;
  return value === null || typeof value === 'string' ? null : value.mean;
}

/** "peak memory (GiB)". */
export function columnTitle<Row>(column: Column<Row>): string {
  return column.unit === null ? column.title : `${column.title} (${column.unit})`;
}

/** A column of a file for programs (CSV): storage units, unrounded, one value each. */
export interface CsvColumn<Row> {
  readonly header: string;
  value(row: Row): Scalar;
}

const SPREAD = ['mean', 'low', 'high', 'n'] as const;
const TESTED = [...SPREAD, 'p', 'pAdjusted'] as const;

/** A field of the row as it is. */
export function field<Row, Key extends string & keyof Row>(key: Key, header: string = key): CsvColumn<Row> {
  return { header, value: (row) => part(row[key], 'mean') };
}

/** One column, or those of a measurement: its mean, interval and seeds, and the p values where it was tested. */
export function expanded<Row>({ id, kind, paired, read }: Column<Row>): readonly CsvColumn<Row>[] {
  if (kind !== 'measured') return [{ header: id, value: (row) => part(read(row), 'mean') }];
  return (paired ? TESTED : SPREAD).map((name) => ({ header: `${id}_${name}`, value: (row) => part(read(row), name) }));
}

function part(value: unknown, name: string): Scalar {
  const found =
    typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : value;
  return found === null || found === undefined ? null : (found as Scalar);
}

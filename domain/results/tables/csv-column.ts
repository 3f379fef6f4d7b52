/** Columns of a file for programs: storage units, unrounded, one value each. */
import type { Scalar } from '../../matrix/types.ts';
import type { Column } from './column.ts';

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

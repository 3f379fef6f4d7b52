import type { Scalar } from '../matrix/types.ts';
import { type CsvColumn, expanded } from './tables/column.ts';
import { MATRIX } from './tables/matrix.ts';
import { TABLES } from './tables/registry.ts';
import type { Table } from './tables/table.ts';
import type { Comparison, TableRow } from './types.ts';

/**
 * One table as CSV (RFC 4180, CRLF): storage units (bytes, seconds, joules; nats per token), full precision, empty
 * where nothing was measured. Measurements have four columns: mean, 95 % interval, seeds; those paired with another
 * cell two more, the p value of their test and the same adjusted over the column.
 *
 * @throws Error when there is no table of this id
 */
export function toCsv(comparison: Comparison, id: string = MATRIX.id): string {
  const table = TABLES.find((one) => one.id === id);
  if (table === undefined) throw new Error(`there is no table ${id}`);
  return csv(table, table.rows(comparison));
}

function csv<Row extends TableRow>({ columns, csv: { lead, instead, trail } }: Table<Row>, rows: readonly Row[]) {
  const all: readonly CsvColumn<Row>[] = [
    ...lead(rows),
    ...columns.flatMap((column) => instead[column.id] ?? expanded(column)),
    ...trail,
  ];
  const lines = [all.map(({ header }) => header), ...rows.map((row) => all.map((column) => column.value(row)))];
  return lines.map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

/** Quotes where needed. Text that a spreadsheet would run as a formula is disarmed by an apostrophe. */
function field(value: Scalar): string {
  if (value === null) return '';
  const plain = typeof value === 'string' && /^[=+@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** The tables of the comparison in the order of every format. A further table is a file next to this one, a line here, and a maker of rows (`../*-rows.ts`) where the comparison has none for it. */
import type { TableRow } from '../types.ts';
import { BITS } from './bits.ts';
import { COST } from './cost.ts';
import { DEPTH } from './depth.ts';
import { GGUF } from './gguf.ts';
import { INFERENCE } from './inference.ts';
import { MATRIX } from './matrix.ts';
import { SEARCH } from './search.ts';
import { SWITCHING } from './switching.ts';
import type { Measurements, Table } from './table.ts';
import { TASKS } from './tasks.ts';
import { TIME } from './time.ts';

export const TABLES: readonly Table<TableRow>[] = [
  MATRIX,
  COST,
  INFERENCE,
  DEPTH,
  BITS,
  TIME,
  GGUF,
  TASKS,
  SEARCH,
  SWITCHING,
];

/** Names that people give on the command line and in a query. */
export const TABLE_IDS: readonly string[] = TABLES.map(({ id }) => id);

/** Rows of the tables that are computed for themselves alone, by the table's id. */
export function computedTables(measurements: Measurements): Readonly<Record<string, readonly TableRow[]>> {
  const computed = TABLES.flatMap((table) => {
    const rows = table.compute(measurements);
    return rows === null ? [] : [[table.id, rows] as const];
  });
  return Object.fromEntries(computed);
}

/** What the tables show: the columns that were measured, their order of sorting, and how deep each value is tinted. */

import { type Column, cellNumber, cellText } from '@lamina/domain/results/tables/column.ts';
import { type HeatScale, heatScale } from '@lamina/domain/results/tables/heat.ts';
import { DASH } from '../format.ts';
import type { SortState, SortValue } from './sort.ts';

/** Columns with a value in some row, and the titles of the others, to say what was not measured. */
export function measuredColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): { readonly shown: readonly Column<Row>[]; readonly unmeasured: readonly string[] } {
  const isMeasured = (column: Column<Row>) =>
    column.kind === 'text' || rows.some((row) => cellNumber(column, row) !== null);
  return {
    shown: columns.filter(isMeasured),
    unmeasured: columns.filter((column) => !isMeasured(column) && column.expected).map((column) => column.title),
  };
}

/** Only measurements are tinted. */
export function columnScale<Row>(column: Column<Row>, rows: readonly Row[]): HeatScale | null {
  if (column.kind !== 'measured' || column.better === null || column.tint === null) return null;
  return heatScale(
    rows.map((row) => cellNumber(column, row)),
    { better: column.better, scale: column.tint },
  );
}

/** Text sorts as it reads, a label by the order the rows came in. */
export function sortValue<Row>(column: Column<Row>, rows: readonly Row[]): (row: Row) => SortValue {
  if (column.id === 'label') return (row) => rows.indexOf(row);
  if (column.kind === 'text') return (row) => column.read(row) as string | null;
  return (row) => cellNumber(column, row);
}

export function firstDirection<Row>(column: Column<Row>): SortState['direction'] {
  return column.better === 'higher' ? 'descending' : 'ascending';
}

/** A cell's figure apart from its interval: ["2.913", "± 0.021"], ["18.4", "[17.9, 18.9]"], ["–", null]. */
export function cellParts<Row>(column: Column<Row>, row: Row): readonly [main: string, side: string | null] {
  const text = cellText(column, row);
  if (column.kind !== 'measured') return [text === '' ? DASH : text, null];
  const [, main, side] = /^(.*?)(?: (±.*|\[.*))?$/.exec(text) ?? [];
  return [main ?? text, side ?? null];
}

/** What the tables show: the columns that were measured, their order of sorting, and how deep each value is tinted. */
import { type Column, cellNumber, cellText, MATRIX_COLUMNS } from '@lamina/domain/results/columns.ts';
import type { ComparisonRow } from '@lamina/domain/results/types.ts';
import { DASH } from '../format.ts';
import { type HeatScale, heatScale } from './heat.ts';
import type { SortState, SortValue } from './sort.ts';

const m = MATRIX_COLUMNS;

/** Answers first, circumstances later. */
export const TRAINING_COLUMNS: readonly Column<ComparisonRow>[] = [
  { ...m.label, read: (row) => row.label },
  m.loss,
  m.lossDelta,
  m.perplexity,
  m.accuracy,
  m.tokensPerSecond,
  m.peakMemoryBytes,
  m.estimatedBytes,
  m.estimateError,
  m.joulesPerToken,
  m.cost,
  m.trialSeconds,
  m.bitsPerParameter,
  m.quantizedBitsPerParameter,
  m.weightBytes,
  m.parameterCount,
  m.trainableParameters,
  m.computeDtype,
  m.status,
];

/** There for trials on GPUs alone; nothing was to be measured. */
const CALCULATED: readonly string[] = [m.estimatedBytes.id, m.estimateError.id];

/** Columns with a value in some row, and the titles of the others, to say what was not measured. */
export function measuredColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): { readonly shown: readonly Column<Row>[]; readonly unmeasured: readonly string[] } {
  const isMeasured = (column: Column<Row>) =>
    column.kind === 'text' || rows.some((row) => cellNumber(column, row) !== null);
  return {
    shown: columns.filter(isMeasured),
    unmeasured: columns
      .filter((column) => !isMeasured(column) && !CALCULATED.includes(column.id))
      .map((column) => column.title),
  };
}

/** Only measurements are tinted; a difference to the baseline repeats its column. */
export function columnScale<Row>(column: Column<Row>, rows: readonly Row[]): HeatScale | null {
  if (column.kind !== 'measured' || column.better === null || column.id === 'lossDelta') return null;
  return heatScale(
    rows.map((row) => cellNumber(column, row)),
    { better: column.better === 'lower' ? 'low' : 'high', scale: column.id === 'perplexity' ? 'log' : 'linear' },
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

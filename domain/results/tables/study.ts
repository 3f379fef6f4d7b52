/** What the tables about studies of a search share. */
import { signed, significant } from '../format.ts';
import type { TableRow } from '../types.ts';
import { type CsvColumn, field } from './column.ts';

export const GAIN = { show: signed(fourDigits), better: 'higher', interval: 'range' } as const;

/** Rows are of studies, not of cells. */
export const STUDY_COLUMNS: readonly CsvColumn<TableRow>[] = [field('cellId', 'study'), field('label')];

/** Gains are small compared with the values that they are differences of. */
function fourDigits(value: number): string {
  return value !== 0 && Math.abs(value) < 0.1 ? value.toFixed(4) : significant(value);
}

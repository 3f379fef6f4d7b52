/** *Search against switching*: whether the same hours would have gained more elsewhere. */
import { fixed } from '../format.ts';
import type { SwitchingRow } from '../search-types.ts';
import { measured, number, text } from './column.ts';
import { GAIN, STUDY_COLUMNS } from './study.ts';
import { defineTable } from './table.ts';

const INTRO =
  'For the same hours: the best suggestion against the best other cell of the matrix, one trial each, in reading order.';

export const SWITCHING = defineTable<SwitchingRow>({
  id: 'switching',
  title: 'Search against switching',
  intro: INTRO,
  legend: INTRO,
  rows: ({ search }) => search?.switching ?? [],
  columns: [
    text('label', 'study', (row) => row.label),
    text('switching', 'instead of', (row) => row.switching),
    number('hours', 'at hours', (row) => row.hours, { unit: 'h' }),
    number('suggestions', 'suggestions', (row) => row.suggestions, { show: fixed(0) }),
    measured('searchGain', 'gain of searching', (row) => row.searchGain, GAIN),
    number('cells', 'cells', (row) => row.cells, { show: fixed(0) }),
    measured('switchGain', 'gain of switching', (row) => row.switchGain, GAIN),
    text('switchedTo', 'to', (row) => row.switchedTo),
    measured('difference', 'searching − switching', (row) => row.difference, GAIN),
  ],
  csv: { lead: () => STUDY_COLUMNS },
});

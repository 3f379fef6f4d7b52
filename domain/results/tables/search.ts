/** *Search*: what each study found and what that took. */
import { fixed, gibibytes, percent, signed, significant } from '../format.ts';
import type { SearchRow } from '../search-types.ts';
import { field, measured, number, text } from './column.ts';
import { GAIN, STUDY_COLUMNS } from './study.ts';
import { defineTable } from './table.ts';

/** Values of different objectives share a column: each is shown in its own unit. */
const SHOWN: Readonly<Record<SearchRow['objective'], (value: number) => string>> = {
  loss: fixed(3),
  perplexity: significant,
  accuracy: (value) => `${percent(value)} %`,
  tokensPerSecond: (value) => `${significant(value)} tokens/s`,
  peakMemory: (value) => `${gibibytes(value)} GiB`,
  energy: (value) => `${significant(value)} J/token`,
  cost: significant,
};

const INTRO =
  'Gains are over the base cell in the same seed, positive where better; [ ] 95 % interval of a difference of two trials, from how seeds vary.';
const COUNT = { show: fixed(0) } as const;

export const SEARCH = defineTable<SearchRow>({
  id: 'search',
  title: 'Search',
  intro: INTRO,
  legend: INTRO,
  rows: ({ search }) => search?.studies ?? [],
  columns: [
    text('label', 'study', (row) => row.label),
    text('sampler', 'sampler', (row) => row.sampler),
    text('objective', 'objective', ({ objective, better }) => `${objective} (${better} is better)`),
    number('suggestions', 'suggestions', (row) => row.suggestions, COUNT),
    number('complete', 'complete', (row) => row.complete, COUNT),
    number('pruned', 'pruned', (row) => row.pruned, COUNT),
    number('diverged', 'diverged', (row) => row.diverged, COUNT),
    number('failed', 'failed', (row) => row.failed, COUNT),
    text('hoursOf', 'hours of', (row) => row.hoursOf),
    number('hours', 'hours', (row) => row.hours, { unit: 'h', better: 'lower' }),
    text('baseText', 'base', (row) => valueText(row.base, row)),
    text('bestText', 'best', (row) => valueText(row.best, row)),
    text('bestParameters', 'with', (row) => row.bestParameters),
    measured('gain', 'gain', (row) => row.gain, GAIN),
    number('gainPerHour', 'gain per hour', (row) => row.gainPerHour, { show: signed(significant), better: 'higher' }),
    number('savedHours', 'saved by pruning', (row) => row.savedHours, { unit: 'h', better: 'higher' }),
  ],
  csv: {
    lead: () => STUDY_COLUMNS,
    // A table for people shows these in the unit of their objective.
    trail: [field('baseCellId'), field('base'), field('bestCellId'), field('best')],
  },
});

function valueText(value: number | null, { objective }: Pick<SearchRow, 'objective'>): string | null {
  return value === null ? null : SHOWN[objective](value);
}

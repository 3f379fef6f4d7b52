/** The columns of *Search* and *Search against switching*. */
import { type Column, measured, number, text } from './columns.ts';
import { fixed, gibibytes, percent, signed, significant } from './format.ts';
import type { SearchRow, SwitchingRow } from './search-types.ts';

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

function valueText(value: number | null, { objective }: Pick<SearchRow, 'objective'>): string | null {
  return value === null ? null : SHOWN[objective](value);
}

const GAIN = { show: signed(fourDigits), better: 'higher', interval: 'range' } as const;

/** Gains are small beside the values that they are differences of. */
function fourDigits(value: number): string {
  return value !== 0 && Math.abs(value) < 0.1 ? value.toFixed(4) : significant(value);
}

export const SEARCH_COLUMNS: readonly Column<SearchRow>[] = [
  text('label', 'study', (row) => row.label),
  text('sampler', 'sampler', (row) => row.sampler),
  text('objective', 'objective', ({ objective, better }) => `${objective} (${better} is better)`),
  number('suggestions', 'suggestions', (row) => row.suggestions, { show: fixed(0) }),
  number('complete', 'complete', (row) => row.complete, { show: fixed(0) }),
  number('pruned', 'pruned', (row) => row.pruned, { show: fixed(0) }),
  number('diverged', 'diverged', (row) => row.diverged, { show: fixed(0) }),
  number('failed', 'failed', (row) => row.failed, { show: fixed(0) }),
  text('hoursOf', 'hours of', (row) => row.hoursOf),
  number('hours', 'hours', (row) => row.hours, { unit: 'h', better: 'lower' }),
  text('baseText', 'base', (row) => valueText(row.base, row)),
  text('bestText', 'best', (row) => valueText(row.best, row)),
  text('bestParameters', 'with', (row) => row.bestParameters),
  measured('gain', 'gain', (row) => row.gain, GAIN),
  number('gainPerHour', 'gain per hour', (row) => row.gainPerHour, { show: signed(significant), better: 'higher' }),
  number('savedHours', 'saved by pruning', (row) => row.savedHours, { unit: 'h', better: 'higher' }),
];

export const SWITCHING_COLUMNS: readonly Column<SwitchingRow>[] = [
  text('label', 'study', (row) => row.label),
  text('switching', 'instead of', (row) => row.switching),
  number('hours', 'at hours', (row) => row.hours, { unit: 'h' }),
  number('suggestions', 'suggestions', (row) => row.suggestions, { show: fixed(0) }),
  measured('searchGain', 'gain of searching', (row) => row.searchGain, GAIN),
  number('cells', 'cells', (row) => row.cells, { show: fixed(0) }),
  measured('switchGain', 'gain of switching', (row) => row.switchGain, GAIN),
  text('switchedTo', 'to', (row) => row.switchedTo),
  measured('difference', 'searching − switching', (row) => row.difference, GAIN),
];

/** Below the tables' titles. */
export const SEARCH_INTRO =
  'Gains are over the base cell in the same seed, positive where better; [ ] 95 % interval of a difference of two trials, from how seeds vary.';
export const SWITCHING_INTRO =
  'For the same hours: the best suggestion against the best other cell of the matrix, one trial each, in reading order.';

/** *Where the time goes*: what the seconds of a trial were spent on, by cell. */
import type { TrialResult } from '../../contract/result.ts';
import type { Measure } from '../../measures/measures.ts';
import type { Estimate } from '../estimates.ts';
import { percent } from '../format.ts';
import type { TableRow } from '../types.ts';
import { measured, SECONDS, text } from './column.ts';
import { defineTable } from './table.ts';

type Seconds = TrialResult['seconds'];
type Read = (seconds: Seconds) => number | null;
type Figure = Exclude<keyof Row, keyof TableRow>;

interface Row extends TableRow {
  readonly dataSeconds: Estimate;
  readonly loadSeconds: Estimate;
  readonly quantizeSeconds: Estimate;
  readonly evaluateRawSeconds: Estimate;
  readonly trainSeconds: Estimate;
  readonly evaluateSeconds: Estimate;
  readonly restSeconds: Estimate;
  readonly totalSeconds: Estimate;
  readonly trainingShare: Estimate;
}

/** In the order in which a trial goes through them; none is part of another. */
const PHASES = {
  dataSeconds: ({ tokenizer, data }) => sum([tokenizer, data]),
  loadSeconds: ({ load }) => load,
  quantizeSeconds: ({ quantize }) => quantize,
  evaluateRawSeconds: ({ evaluateRaw }) => evaluateRaw,
  trainSeconds: ({ train }) => train,
  evaluateSeconds: ({ evaluate }) => evaluate,
} satisfies Partial<Record<Figure, Read>>;

const FIGURES: Readonly<Record<Figure, Read>> = {
  ...PHASES,
  restSeconds: restOf,
  totalSeconds: ({ total }) => total,
  trainingShare: ({ train, total }) => (train === null || total === 0 ? null : train / total),
};

export const TIME = defineTable<Row>({
  id: 'time',
  title: 'Where the time goes',
  intro:
    'Seconds of a trial by phase, once its libraries are imported; the rest is saving and what a trial does with its model after training.',
  legend: 'seconds of a trial by phase, imports not counted; the rest is saving and what follows training',
  compute: ({ cells, over }) =>
    cells.flatMap((cell) => {
      const figure = (id: Figure) => [id, over(cell, whole(FIGURES[id]))] as const;
      const figures = Object.fromEntries(Object.keys(FIGURES).map((id) => figure(id as Figure)));
      const row = { cellId: cell.cellId, label: cell.label, ...(figures as Record<Figure, Estimate>) };
      return row.totalSeconds.n > 0 ? [row] : [];
    }),
  columns: [
    text('label', 'cell', (row) => row.label),
    measured('totalSeconds', 'total', (row) => row.totalSeconds, SECONDS),
    measured('trainingShare', 'share of training', (row) => row.trainingShare, {
      unit: '%',
      show: percent,
      better: 'higher',
    }),
    measured('dataSeconds', 'data', (row) => row.dataSeconds, SECONDS),
    measured('loadSeconds', 'load', (row) => row.loadSeconds, SECONDS),
    measured('quantizeSeconds', 'quantize', (row) => row.quantizeSeconds, SECONDS),
    measured('evaluateRawSeconds', 'evaluate as cut', (row) => row.evaluateRawSeconds, SECONDS),
    measured('trainSeconds', 'train', (row) => row.trainSeconds, SECONDS),
    measured('evaluateSeconds', 'evaluate as trained', (row) => row.evaluateSeconds, SECONDS),
    measured('restSeconds', 'rest', (row) => row.restSeconds, SECONDS),
  ],
});

/** The last attempt of a resumed trial did only a part of the work: not measured. */
function whole(read: Read): Measure {
  return ({ result }) => (result.training.resumedFromStep === null ? read(result.seconds) : null);
}

function restOf(seconds: Seconds): number | null {
  const known = sum(Object.values(PHASES).map((read) => read(seconds)));
  return known === null ? null : Math.max(0, seconds.total - known);
}

/** The sum of those that are known; null where none is. */
function sum(parts: readonly (number | null)[]): number | null {
  const known = parts.filter((part) => part !== null);
  return known.length === 0 ? null : known.reduce((total, part) => total + part, 0);
}

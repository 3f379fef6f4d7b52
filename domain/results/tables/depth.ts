/** *Depth*: as cut and after training. */
import { fixed, percent } from '../format.ts';
import type { DepthRow } from '../types.ts';
import { measured, number, text } from './column.ts';
import { defineTable } from './table.ts';

const LOSS = { show: fixed(3), better: 'lower' } as const;
const ACCURACY = { unit: '%', show: percent, better: 'higher' } as const;

export const DEPTH = defineTable<DepthRow>({
  id: 'depth',
  title: 'Depth',
  intro: 'Held-out loss in nats per token.',
  legend: 'what the cut costs, before and after training',
  rows: ({ depth }) => depth,
  whenEmpty: 'said',
  columns: [
    text('label', 'cell', (row) => row.label),
    text('kept', 'layers kept', ({ kept }) => (kept === null ? null : layerRanges(kept))),
    number('fractionRemoved', 'removed', (row) => row.fractionRemoved, { unit: '%', show: (x) => fixed(0)(x * 100) }),
    measured('rawLoss', 'loss as cut', (row) => row.rawLoss, LOSS),
    measured('loss', 'loss after training', (row) => row.loss, LOSS),
    measured('rawAccuracy', 'accuracy as cut', (row) => row.rawAccuracy, ACCURACY),
    measured('accuracy', 'accuracy after training', (row) => row.accuracy, ACCURACY),
  ],
});

/** "0–8, 12, 15–17". */
export function layerRanges(kept: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const layer of kept) {
    const last = ranges.at(-1);
    if (last && layer === last[1] + 1) last[1] = layer;
    else ranges.push([layer, layer]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}

/** *Total bits*: model size against quality. */
import type { Estimate } from '../estimates.ts';
import { fixed, significant } from '../format.ts';
import { measured, number, text } from './column.ts';
import { defineTable, terminalColumn } from './table.ts';

interface Row {
  readonly line: string;
  readonly cellId: string;
  readonly label: string;
  readonly totalBits: number;
  readonly loss: Estimate;
}

const OF_A_POINT = [
  text<Row>('label', 'cell', (row) => row.label),
  number<Row>('totalBits', 'model size', (row) => row.totalBits, {
    unit: 'Gbit',
    show: (x) => significant(x / 1e9),
    better: 'lower',
  }),
  measured<Row>('loss', 'held-out loss', (row) => row.loss, { unit: 'nats/token', show: fixed(3), better: 'lower' }),
];

/** A row per point of a line; the dashboard draws them. */
export const BITS = defineTable<Row>({
  id: 'bits',
  title: 'Total bits',
  intro: 'Bits that the base weights take, adapters not counted.',
  legend: 'size of the base weights against quality',
  rows: ({ totalBits }) => totalBits.flatMap(({ label: line, points }) => points.map((point) => ({ ...point, line }))),
  whenEmpty: 'said',
  columns: [text('line', 'line', (row) => row.line), ...OF_A_POINT],
  terminal: OF_A_POINT.map((column, index) => terminalColumn(column, index)),
  dashboard: null,
});

/** *Cost of quantization*: ratios to the unquantized row of the same depth. */
import { percent } from '../format.ts';
import type { QuantizationCostRow } from '../types.ts';
import { field, measured, RATIO, SECONDS, text } from './column.ts';
import { CELL_COLUMNS, defineTable, terminalColumn } from './table.ts';

type Row = QuantizationCostRow;

const LESS = { ...RATIO, better: 'lower' } as const;
const DEVICE = text<Row>('device', 'device', (row) => row.device);

const COLUMNS = [
  text<Row>('label', 'cell', ({ label, mixedEnvironment }) => (mixedEnvironment ? `${label} †` : label)),
  text<Row>('reference', 'against', (row) => row.reference),
  measured<Row>('tokensPerSecond', 'speed', (row) => row.tokensPerSecond, { ...RATIO, better: 'higher' }),
  measured<Row>('forwardSeconds', 'forward', (row) => row.forwardSeconds, LESS),
  measured<Row>('backwardSeconds', 'backward', (row) => row.backwardSeconds, LESS),
  measured<Row>('optimizerSeconds', 'optimizer', (row) => row.optimizerSeconds, LESS),
  measured<Row>('dequantizationShare', 'dequantizing', (row) => row.dequantizationShare, {
    unit: '% of passes',
    show: percent,
    better: 'lower',
  }),
  measured<Row>('peakMemory', 'peak memory', (row) => row.peakMemory, LESS),
  measured<Row>('weightBytes', 'weights', (row) => row.weightBytes, LESS),
  measured<Row>('energyPerToken', 'energy', (row) => row.energyPerToken, LESS),
  measured<Row>('netEnergyPerToken', 'energy above idle', (row) => row.netEnergyPerToken, LESS),
  measured<Row>('loadSeconds', 'load time', (row) => row.loadSeconds, LESS),
  measured<Row>('quantizeSeconds', 'quantizing', (row) => row.quantizeSeconds, SECONDS),
  DEVICE,
];

export const COST = defineTable<Row>({
  id: 'cost',
  title: 'Cost of quantization',
  intro: 'Ratios to the unquantized cell of the same depth, model and parameters, paired by seed; below 1 is less.',
  legend: (rows) =>
    `times the unquantized cell of the same depth; [ ] 95 % interval; on ${[...devices(rows)].join(', ')}`,
  rows: ({ quantizationCost }) => quantizationCost,
  whenEmpty: 'said',
  columns: COLUMNS,
  terminal: COLUMNS.map((column, index) =>
    terminalColumn(column, index, column === DEVICE ? (rows) => devices(rows).size > 1 : undefined),
  ),
  csv: {
    lead: () => [
      ...CELL_COLUMNS,
      field('referenceCellId'),
      field('precision'),
      field('mixedEnvironment'),
      field('memoryMetric'),
    ],
  },
});

function devices(rows: readonly Row[]): ReadonlySet<string> {
  return new Set(rows.map(({ device }) => device));
}

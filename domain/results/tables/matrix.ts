/** *Training matrix*: every cell with its answers, its price and its circumstances. */
import { isQuantized } from '../../vocabulary/precisions.ts';
import type { Delta } from '../estimates.ts';
import { fixed, MEMORY_COUNTER_NAMES, millions, percent, signed } from '../format.ts';
import { layersText } from '../layers.ts';
import { METRICS, type Metric, type MetricId } from '../metrics.ts';
import type { ComparisonRow } from '../types.ts';
import { type Column, type CsvColumn, expanded, field, GIB, measured, number, text } from './column.ts';
import { CELL_COLUMNS, defineTable, terminalColumn } from './table.ts';

const LOSS = { unit: 'nats/token', better: 'lower' } as const;
const RECORDS: readonly (readonly [string, Metric])[] = Object.entries(METRICS);

/** The column of a figure in the registry of metrics. */
export function figureColumn<Row extends Pick<ComparisonRow, MetricId>>(id: MetricId): Column<Row> {
  const { title, ...presentation }: Metric = METRICS[id];
  return measured(id, title, (row) => row[id], presentation);
}

const C = {
  label: text<ComparisonRow>('label', 'cell', markedLabel),
  status: text<ComparisonRow>('status', 'status', statusText),
  layers: text<ComparisonRow>('layers', 'layers', ({ layers }) => layersText(layers.choice, layers.original)),
  computeDtype: text<ComparisonRow>('computeDtype', 'computed in', (row) => row.computeDtype),
  parameterCount: number<ComparisonRow>('parameterCount', 'parameters', (row) => row.parameterCount, {
    unit: 'M',
    show: millions,
  }),
  trainableParameters: number<ComparisonRow>('trainableParameters', 'trainable', (row) => row.trainableParameters, {
    unit: 'M',
    show: millions,
  }),
  bitsPerParameter: number<ComparisonRow>('bitsPerParameter', 'bits per parameter', (row) => row.bitsPerParameter, {
    show: fixed(3),
    better: 'lower',
  }),
  quantizedBitsPerParameter: number<ComparisonRow>(
    'quantizedBitsPerParameter',
    'bits per quantized parameter',
    (row) => (isQuantized(row.precision) ? row.quantizedBitsPerParameter : null),
    { show: fixed(3), better: 'lower' },
  ),
  weightBytes: number<ComparisonRow>('weightBytes', 'weights', (row) => row.weightBytes, GIB),
  lossStandardError: number<ComparisonRow>(
    'lossStandardError',
    'standard error on held-out text',
    (row) => row.lossStandardError,
    { ...LOSS, show: fixed(3) },
  ),
  lossDelta: measured<ComparisonRow>('lossDelta', 'loss − baseline', lossDifference, {
    ...LOSS,
    show: signed(fixed(3)),
    paired: true,
    tint: null,
  }),
  pAdjusted: number<ComparisonRow>('pAdjusted', 'p (Holm)', (row) => row.lossDelta.pAdjusted, {
    show: (p) => (p < 0.001 ? '<0.001' : fixed(3)(p)),
  }),
  estimatedBytes: number<ComparisonRow>('estimatedBytes', 'estimated memory', (row) => row.estimatedBytes, {
    ...GIB,
    expected: false,
  }),
  estimateError: number<ComparisonRow>('estimateError', 'error of the estimate', estimateError, {
    unit: '%',
    show: signed(percent),
    expected: false,
  }),
  memoryMetric: text<ComparisonRow>('memoryMetric', 'memory is', ({ memoryMetric }) =>
    memoryMetric === null ? null : MEMORY_COUNTER_NAMES[memoryMetric],
  ),
  device: text<ComparisonRow>('devices', 'device', ({ devices }) => (devices.length === 0 ? null : devices.join(', '))),
  pareto: text<ComparisonRow>('onParetoFront', 'Pareto front', (row) => (row.onParetoFront ? 'yes' : '')),
} as const;

const BEFORE_FIGURES = [
  C.label,
  C.status,
  C.layers,
  C.computeDtype,
  C.parameterCount,
  C.trainableParameters,
  C.bitsPerParameter,
  C.quantizedBitsPerParameter,
  C.weightBytes,
] as const;

const FIGURES: readonly Column<ComparisonRow>[] = [
  figureColumn('loss'),
  C.lossStandardError,
  C.lossDelta,
  C.pAdjusted,
  figureColumn('perplexity'),
  figureColumn('accuracy'),
  figureColumn('tokensPerSecond'),
  figureColumn('peakMemoryBytes'),
  C.estimatedBytes,
  C.estimateError,
  C.memoryMetric,
  figureColumn('joulesPerToken'),
  figureColumn('netJoulesPerToken'),
  figureColumn('trialSeconds'),
  figureColumn('cost'),
];

/** Figures that nobody has given a place among the others: they come after them in every format. */
const FURTHER = RECORDS.filter(([id, { where }]) => where !== 'csv' && !FIGURES.some((column) => column.id === id));
const FURTHER_COLUMNS = FURTHER.map(([id]) => figureColumn<ComparisonRow>(id as MetricId));

export const MATRIX = defineTable<ComparisonRow>({
  id: 'matrix',
  title: 'Training matrix',
  intro: '',
  legend: '* baseline  ◆ Pareto front (loss, memory, speed)  ± half of the 95 % interval over seeds',
  rows: ({ rows }) => rows,
  whenEmpty: 'said',
  columns: [...BEFORE_FIGURES, ...FIGURES, ...FURTHER_COLUMNS, C.device, C.pareto],
  terminal: [
    terminalColumn({ ...C.label, read: (row) => `${markedLabel(row)}${row.onParetoFront ? ' ◆' : ''}` }, 0),
    terminalColumn(figureColumn('loss'), 0),
    terminalColumn(C.lossDelta, 2),
    terminalColumn({ ...C.lossStandardError, title: 's.e. of the test text' }, 7),
    terminalColumn(figureColumn('perplexity'), 6),
    terminalColumn(figureColumn('accuracy'), 8),
    terminalColumn(figureColumn('tokensPerSecond'), 1),
    terminalColumn(figureColumn('peakMemoryBytes'), 1),
    terminalColumn(C.estimatedBytes, 3),
    terminalColumn(C.estimateError, 3),
    terminalColumn(C.bitsPerParameter, 3),
    terminalColumn(figureColumn('joulesPerToken'), 4),
    terminalColumn(figureColumn('trialSeconds'), 9),
    terminalColumn(figureColumn('cost'), 5),
    ...FURTHER_COLUMNS.map((column) => terminalColumn(column, 10)),
    terminalColumn(C.status, 1, (rows) => rows.some((row) => statusText(row) !== 'done')),
  ],
  // Answers first, circumstances later; marks of the label are tags of their own.
  dashboard: [
    { ...C.label, read: (row) => row.label },
    figureColumn('loss'),
    C.lossDelta,
    figureColumn('perplexity'),
    figureColumn('accuracy'),
    figureColumn('tokensPerSecond'),
    figureColumn('peakMemoryBytes'),
    C.estimatedBytes,
    C.estimateError,
    figureColumn('joulesPerToken'),
    figureColumn('cost'),
    figureColumn('trialSeconds'),
    ...FURTHER_COLUMNS,
    C.bitsPerParameter,
    C.quantizedBitsPerParameter,
    C.weightBytes,
    C.parameterCount,
    C.trainableParameters,
    C.computeDtype,
    C.status,
  ],
  csv: {
    lead: identity,
    instead: {
      layers: [],
      pAdjusted: [],
      memoryMetric: [field('memoryMetric')],
      onParetoFront: [field('onParetoFront')],
      // For people the baseline's difference from itself has no interval; here it is as it was computed.
      lossDelta: expanded({ ...C.lossDelta, read: (row: ComparisonRow) => row.lossDelta }),
    },
    trail: RECORDS.filter(([, { where }]) => where === 'csv').flatMap(([id]) => expanded(figureColumn(id as MetricId))),
  },
});

/** "done", "running", "1 of 2 diverged", "2 of 2 reused". */
export function statusText({ trials }: ComparisonRow): string {
  const { total, byState } = trials;
  for (const state of ['failed', 'diverged', 'pruned', 'cancelled'] as const) {
    if (byState[state]) return total === 1 ? state : `${byState[state]} of ${total} ${state}`;
  }
  const ended = (byState.succeeded ?? 0) + (byState.reused ?? 0);
  if (ended === total) return byState.reused === total ? 'reused' : 'done';
  if (byState.running || byState.retrying) return ended === 0 ? 'running' : `${ended} of ${total} done`;
  return ended === 0 ? 'waiting' : `${ended} of ${total} done`;
}

/** The label with its marks: * the baseline, † measured elsewhere than the baseline. */
function markedLabel({ label, isBaseline, mixedEnvironment }: ComparisonRow): string {
  return `${label}${isBaseline ? ' *' : ''}${mixedEnvironment ? ' †' : ''}`;
}

/** The baseline differs from itself by exactly 0: an interval would only be noise to the eye. */
function lossDifference({ isBaseline, lossDelta }: ComparisonRow): Delta {
  return isBaseline ? { ...lossDelta, low: null, high: null } : lossDelta;
}

/** Share by which the estimate is above what was measured. */
function estimateError({ estimatedBytes, peakMemoryBytes: { mean } }: ComparisonRow): number | null {
  return estimatedBytes === null || mean === null || mean === 0 ? null : estimatedBytes / mean - 1;
}

/** What a cell is, with a column for each parameter that some cell sets. */
function identity(rows: readonly ComparisonRow[]): readonly CsvColumn<ComparisonRow>[] {
  const parameters = [...new Set(rows.flatMap((row) => Object.keys(row.parameters)))].sort();
  return [
    ...CELL_COLUMNS,
    field('isBaseline'),
    field('model'),
    { header: 'layersKept', value: (row) => row.layers.kept?.length ?? null },
    { header: 'layersOriginal', value: (row) => row.layers.original },
    { header: 'layerStrategy', value: (row) => row.layers.choice.strategy },
    field('precision'),
    field('method'),
    ...parameters.map((path) => ({ header: path, value: (row: ComparisonRow) => row.parameters[path] ?? null })),
    { header: 'trials', value: (row) => row.trials.total },
    { header: 'seeds', value: (row) => row.seeds.join(' ') },
    field('mixedEnvironment'),
  ];
}

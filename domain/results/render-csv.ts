import type { ComparisonTable } from '../contract/comparison-tables.ts';
import type { Scalar } from '../matrix/types.ts';
import {
  type Column,
  DEPTH_COLUMNS,
  GGUF_COLUMNS,
  INFERENCE_COLUMNS,
  MATRIX_COLUMNS,
  QUANTIZATION_COST_COLUMNS,
  TASK_COLUMNS,
  TOTAL_BITS_COLUMNS,
} from './columns.ts';
import type { Estimate } from './estimates.ts';
import { SEARCH_COLUMNS, SWITCHING_COLUMNS } from './search-columns.ts';
import type { SearchRow } from './search-types.ts';
import { totalBitsRows } from './total-bits.ts';
import type { Comparison, ComparisonRow } from './types.ts';

interface CsvColumn<Row> {
  readonly header: string;
  readonly value: (row: Row) => Scalar;
}

const SPREADS = ['mean', 'low', 'high', 'n'] as const;

/**
 * One table as CSV (RFC 4180, CRLF): storage units (bytes, seconds, joules; nats per token), full precision, empty
 * where nothing was measured. Measurements have four columns: mean, 95 % interval, seeds; those paired with another
 * cell two more, the p value of their test and the same adjusted over the column.
 */
export function toCsv(comparison: Comparison, table: ComparisonTable = 'matrix'): string {
  switch (table) {
    case 'matrix':
      return csv(
        [...identity(comparison), ...Object.values(MATRIX_COLUMNS).flatMap(matrixColumn), ...RAW],
        comparison.rows,
      );
    case 'cost':
      return csv(
        [
          ...cellColumns,
          { header: 'referenceCellId', value: (row) => row.referenceCellId },
          { header: 'precision', value: (row) => row.precision },
          { header: 'mixedEnvironment', value: (row) => row.mixedEnvironment },
          { header: 'memoryMetric', value: (row) => row.memoryMetric },
          ...unlabelled(QUANTIZATION_COST_COLUMNS),
        ],
        comparison.quantizationCost,
      );
    case 'inference':
      return csv([...cellColumns, ...unlabelled(INFERENCE_COLUMNS)], comparison.inference);
    case 'depth':
      return csv([...cellColumns, ...unlabelled(DEPTH_COLUMNS)], comparison.depth);
    case 'bits':
      return csv([...cellColumns, ...unlabelled(TOTAL_BITS_COLUMNS)], totalBitsRows(comparison.totalBits));
    case 'gguf':
      return csv([...cellColumns, ...unlabelled(GGUF_COLUMNS)], comparison.gguf);
    case 'tasks':
      return csv([...cellColumns, ...unlabelled(TASK_COLUMNS)], comparison.tasks);
    case 'search':
      return csv([...studyColumns, ...unlabelled(SEARCH_COLUMNS), ...SEARCH_RAW], comparison.search.studies);
    case 'switching':
      return csv([...studyColumns, ...unlabelled(SWITCHING_COLUMNS)], comparison.search.switching);
  }
}

function csv<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map(({ header }) => header), ...rows.map((row) => columns.map((column) => column.value(row)))];
  return lines.map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

const cellColumns: readonly CsvColumn<{ readonly cellId: string; readonly label: string }>[] = [
  { header: 'cellId', value: (row) => row.cellId },
  { header: 'label', value: (row) => row.label },
];

const studyColumns: readonly CsvColumn<{ readonly cellId: string; readonly label: string }>[] = [
  { header: 'study', value: (row) => row.cellId },
  { header: 'label', value: (row) => row.label },
];

/** Values that a table for people shows in the unit of their objective. */
const SEARCH_RAW: readonly CsvColumn<SearchRow>[] = (['baseCellId', 'base', 'bestCellId', 'best'] as const).map(
  (header) => ({ header, value: (row) => row[header] }),
);

/** The label of a column for people carries marks; in a file for programs it stands in front, plain. */
function unlabelled<Row>(columns: readonly Column<Row>[]): CsvColumn<Row>[] {
  return columns.filter(({ id }) => id !== 'label').flatMap(expanded);
}

function identity({ rows }: Comparison): CsvColumn<ComparisonRow>[] {
  const parameters = [...new Set(rows.flatMap((row) => Object.keys(row.parameters)))].sort();
  return [
    ...cellColumns,
    { header: 'isBaseline', value: (row) => row.isBaseline },
    { header: 'model', value: (row) => row.model },
    { header: 'layersKept', value: (row) => row.layers.kept?.length ?? null },
    { header: 'layersOriginal', value: (row) => row.layers.original },
    { header: 'layerStrategy', value: (row) => row.layers.choice.strategy },
    { header: 'precision', value: (row) => row.precision },
    { header: 'method', value: (row) => row.method },
    ...parameters.map((path) => ({ header: path, value: (row: ComparisonRow) => row.parameters[path] ?? null })),
    { header: 'trials', value: (row) => row.trials.total },
    { header: 'seeds', value: (row) => row.seeds.join(' ') },
    { header: 'mixedEnvironment', value: (row) => row.mixedEnvironment },
  ];
}

/** Columns that `identity` has already said, and those that take a value of their own in a file for programs. */
const OTHERWISE: Readonly<Record<string, readonly CsvColumn<ComparisonRow>[]>> = {
  label: [],
  layers: [],
  pAdjusted: [],
  memoryMetric: [{ header: 'memoryMetric', value: (row) => row.memoryMetric }],
  onParetoFront: [{ header: 'onParetoFront', value: (row) => row.onParetoFront }],
  // For people the baseline's difference from itself has no interval; here it is as it was computed.
  lossDelta: spread('lossDelta', [...SPREADS, 'p', 'pAdjusted'], (row) => row.lossDelta),
};

/** Measurements of a cell that other tables show, or that have no room in one for people. */
const RAW: readonly CsvColumn<ComparisonRow>[] = (
  [
    'rawLoss',
    'rawAccuracy',
    'loadSeconds',
    'quantizeSeconds',
    'peakAllocatedBytes',
    'peakReservedBytes',
    'peakProcessBytes',
    'peakRssBytes',
  ] as const
).flatMap((id) => spread<ComparisonRow, Estimate>(id, SPREADS, (row) => row[id]));

function matrixColumn(column: Column<ComparisonRow>): readonly CsvColumn<ComparisonRow>[] {
  return OTHERWISE[column.id] ?? expanded(column);
}

function expanded<Row>(column: Column<Row>): CsvColumn<Row>[] {
  if (column.kind !== 'measured') return [{ header: column.id, value: (row) => part(column.read(row), 'mean') }];
  return spread(column.id, column.paired ? [...SPREADS, 'p', 'pAdjusted'] : SPREADS, column.read);
}

function spread<Row, Value>(id: string, parts: readonly string[], read: (row: Row) => Value): CsvColumn<Row>[] {
  return parts.map((name) => ({ header: `${id}_${name}`, value: (row) => part(read(row), name) }));
}

function part(value: unknown, name: string): Scalar {
  const found =
    typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : value;
  return found === null || found === undefined ? null : (found as Scalar);
}

/** Quotes where needed. Text that a spreadsheet would run as a formula is disarmed by an apostrophe. */
function field(value: Scalar): string {
  if (value === null) return '';
  const plain = typeof value === 'string' && /^[=+@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

import { type Column, MATRIX_COLUMNS } from './columns.ts';
import type { Comparison, ComparisonRow } from './types.ts';

interface CsvColumn {
  readonly header: string;
  readonly value: (row: ComparisonRow) => string | number | boolean | null;
}

const SPREADS = ['mean', 'low', 'high', 'n'] as const;

/**
 * *Training matrix* as CSV (RFC 4180, CRLF): one line per cell, storage units (bytes, seconds, joules; nats per token),
 * full precision, empty where nothing was measured. Measurements have four columns: mean, 95 % interval, seeds.
 */
export function toCsv(comparison: Comparison): string {
  const columns = [...identity(comparison), ...Object.values(MATRIX_COLUMNS).flatMap(expanded)];
  const lines = [
    columns.map(({ header }) => header),
    ...comparison.rows.map((row) => columns.map((column) => column.value(row))),
  ];
  return lines.map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

function identity({ rows }: Comparison): CsvColumn[] {
  const parameters = [...new Set(rows.flatMap((row) => Object.keys(row.parameters)))].sort();
  return [
    { header: 'cellId', value: (row) => row.cellId },
    { header: 'label', value: (row) => row.label },
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
const OTHERWISE: Readonly<Record<string, readonly CsvColumn[]>> = {
  label: [],
  layers: [],
  pAdjusted: [],
  memoryMetric: [{ header: 'memoryMetric', value: (row) => row.memoryMetric }],
  onParetoFront: [{ header: 'onParetoFront', value: (row) => row.onParetoFront }],
  lossDelta: [
    ...SPREADS.map((part) => ({ header: `lossDelta_${part}`, value: (row: ComparisonRow) => row.lossDelta[part] })),
    { header: 'lossDelta_p', value: (row) => row.lossDelta.p },
    { header: 'lossDelta_pAdjusted', value: (row) => row.lossDelta.pAdjusted },
  ],
};

function expanded(column: Column<ComparisonRow>): readonly CsvColumn[] {
  const otherwise = OTHERWISE[column.id];
  if (otherwise) return otherwise;
  if (column.kind !== 'measured') return [{ header: column.id, value: (row) => part(column, row, 'mean') }];
  return SPREADS.map((spread) => ({ header: `${column.id}_${spread}`, value: (row) => part(column, row, spread) }));
}

function part(column: Column<ComparisonRow>, row: ComparisonRow, spread: (typeof SPREADS)[number]) {
  const value = column.read(row);
  return value === null || typeof value !== 'object' ? value : value[spread];
}

/** Quotes where needed. Text that a spreadsheet would run as a formula is disarmed by an apostrophe. */
function field(value: string | number | boolean | null): string {
  if (value === null) return '';
  const plain = typeof value === 'string' && /^[=+@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

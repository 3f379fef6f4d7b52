/** The comparison in a terminal: the sentence, tables tinted from worse to better, the notes. */

import { COMPARISON_TABLES, type ComparisonTable } from '@lamina/domain/contract/comparison-tables.ts';
import {
  type Column,
  cellNumber,
  cellText,
  DEPTH_COLUMNS,
  GGUF_COLUMNS,
  INFERENCE_COLUMNS,
  MATRIX_COLUMNS,
  QUANTIZATION_COST_COLUMNS,
  TASK_COLUMNS,
  TOTAL_BITS_COLUMNS,
} from '@lamina/domain/results/columns.ts';
import {
  SEARCH_COLUMNS,
  SEARCH_INTRO,
  SWITCHING_COLUMNS,
  SWITCHING_INTRO,
} from '@lamina/domain/results/search-columns.ts';
import type { Comparison, ComparisonRow } from '@lamina/domain/results/types.ts';
import { heat, heated } from './format/heat.ts';
import { table } from './format/table.ts';
import { counted, shortened, wrapped } from './format/text.ts';
import type { Io } from './io.ts';

type Terminal = Pick<Io, 'out' | 'columns' | 'color'>;

export interface ComparisonOptions {
  readonly tables?: readonly ComparisonTable[];
  /** Rows per table; the rest is counted. */
  readonly maxRows?: number;
}

const WIDEST_TEXT = 100;
const LABEL = 42;
const TITLE = 10;
const M = MATRIX_COLUMNS;

/** Columns of the training matrix from left to right; where there is no room, the highest `drop` goes first. */
const MATRIX: readonly { readonly column: Column<ComparisonRow>; readonly drop: number }[] = [
  { column: { ...M.label, read: labelWithMarks }, drop: 0 },
  { column: M.loss, drop: 0 },
  { column: M.lossDelta, drop: 2 },
  { column: { ...M.lossStandardError, title: 's.e. of the test text' }, drop: 7 },
  { column: M.perplexity, drop: 6 },
  { column: M.accuracy, drop: 8 },
  { column: M.tokensPerSecond, drop: 1 },
  { column: M.peakMemoryBytes, drop: 1 },
  { column: M.estimatedBytes, drop: 3 },
  { column: M.estimateError, drop: 3 },
  { column: M.bitsPerParameter, drop: 3 },
  { column: M.joulesPerToken, drop: 4 },
  { column: M.trialSeconds, drop: 9 },
  { column: M.cost, drop: 5 },
  { column: M.status, drop: 1 },
];

/** Writes a comparison to `io.out`, no wider than the terminal. */
export function printComparison(comparison: Comparison, io: Terminal, options: ComparisonOptions = {}): void {
  const { color } = io;
  const { tables = COMPARISON_TABLES, maxRows = Number.POSITIVE_INFINITY } = options;
  const text = Math.min(io.columns(), WIDEST_TEXT);
  const parts = [
    `${color.bold(comparison.name)}  ${color.dim(`${comparison.experimentId}  ${comparison.state}`)}`,
    color.bold(wrapped(comparison.recommendation.sentence, text)),
    ...tables.flatMap((name) => section(name, comparison, io, maxRows)),
    ...(comparison.notes.length > 0 ? [notes(comparison.notes, text, io)] : []),
  ];
  io.out(`${parts.join('\n\n')}\n`);
}

function section(name: ComparisonTable, comparison: Comparison, io: Terminal, maxRows: number): string[] {
  const { rows, quantizationCost, inference, depth, totalBits, gguf, tasks, search } = comparison;
  switch (name) {
    case 'matrix': {
      const busy = rows.some((row) => cellText(M.status, row) !== 'done');
      const columns = MATRIX.filter(({ column }) => busy || column.id !== 'status');
      return rendered('Training matrix', MATRIX_LEGEND, columns, rows, io, maxRows);
    }
    case 'cost': {
      const devices = new Set(quantizationCost.map(({ device }) => device));
      const columns = QUANTIZATION_COST_COLUMNS.filter(({ id }) => id !== 'device' || devices.size > 1);
      const legend = `times the unquantized cell of the same depth; [ ] 95 % interval; on ${[...devices].join(', ')}`;
      return rendered('Cost of quantization', legend, prioritized(columns), quantizationCost, io, maxRows);
    }
    case 'inference':
      return rendered(
        'Inference',
        'greedy generation with the adapter apart from the weights; × of the merged model to it',
        prioritized(INFERENCE_COLUMNS),
        inference ?? [],
        io,
        maxRows,
      );
    case 'depth':
      return rendered(
        'Depth',
        'what the cut costs, before and after training',
        prioritized(DEPTH_COLUMNS),
        depth,
        io,
        maxRows,
      );
    case 'gguf':
      return rendered(
        'GGUF',
        'files of the trained model in llama.cpp; Δ and divergence against f16; sd over repetitions, se over tokens',
        prioritized(GGUF_COLUMNS),
        gguf ?? [],
        io,
        maxRows,
      );
    case 'tasks':
      return rendered(
        'Tasks',
        'of lm-evaluation-harness, as cut and after training; standard error over questions',
        prioritized(TASK_COLUMNS),
        tasks ?? [],
        io,
        maxRows,
      );
    case 'search':
      return rendered('Search', SEARCH_INTRO, prioritized(SEARCH_COLUMNS), search?.studies ?? [], io, maxRows);
    case 'switching':
      return rendered(
        'Search against switching',
        SWITCHING_INTRO,
        prioritized(SWITCHING_COLUMNS),
        search?.switching ?? [],
        io,
        maxRows,
      );
    case 'bits': {
      const points = totalBits.flatMap(({ label: line, points: list }) => list.map((point) => ({ line, ...point })));
      const columns = prioritized(TOTAL_BITS_COLUMNS.filter(({ id }) => id !== 'line'));
      return rendered('Total bits', 'size of the base weights against quality', columns, points, io, maxRows);
    }
  }
}

const MATRIX_LEGEND = '* baseline  ◆ Pareto front (loss, memory, speed)  ± half of the 95 % interval over seeds';

function labelWithMarks(row: ComparisonRow): string {
  return `${cellText(M.label, row)}${row.onParetoFront ? ' ◆' : ''}`;
}

type Prioritized<Row> = { readonly column: Column<Row>; readonly drop: number };

/** Later columns go first. */
function prioritized<Row>(columns: readonly Column<Row>[]): Prioritized<Row>[] {
  return columns.map((column, index) => ({ column, drop: index }));
}

function rendered<Row>(
  title: string,
  legend: string,
  columns: readonly Prioritized<Row>[],
  rows: readonly Row[],
  io: Terminal,
  maxRows: number,
): string[] {
  if (rows.length === 0) return [];
  const { color } = io;
  const shown = rows.slice(0, maxRows);
  const filled = columns
    .map(({ column, drop }) => ({ column, drop, texts: shown.map((row) => textOf(column, row)) }))
    .filter(({ texts }) => texts.some((text) => text !== '–' && text !== ''));
  const fitting = fitted(filled, io.columns());
  const cells = fitting.map(({ column, texts }) => {
    const share = heat(
      shown.map((row) => cellNumber(column, row)),
      column.better,
    );
    return texts.map((text, index) => {
      const row = shown[index];
      return row === undefined ? text : heated(text, share(cellNumber(column, row)), color);
    });
  });
  const body = table(
    fitting.map(({ column }) => ({
      title: color.dim(heading(column)),
      align: column.kind === 'text' ? 'left' : 'right',
    })),
    shown.map((_, index) => cells.map((column) => column[index] ?? '')),
  );
  const hidden = rows.length - shown.length;
  const head = color.bold.underline(title);
  const beside = title.length + 2 + legend.length <= io.columns();
  return [
    [
      beside ? `${head}  ${color.dim(legend)}` : `${head}\n${color.dim(wrapped(legend, io.columns()))}`,
      body,
      ...(hidden > 0 ? [color.dim(`… and ${counted(hidden, 'more row')}`)] : []),
    ].join('\n'),
  ];
}

function textOf<Row>(column: Column<Row>, row: Row): string {
  const text = cellText(column, row);
  return column.id === 'label' ? shortened(text, LABEL) : text;
}

/** Leaves out columns, highest `drop` first, until the table fits. */
function fitted<C extends { readonly column: Column<never>; readonly drop: number; readonly texts: readonly string[] }>(
  columns: readonly C[],
  width: number,
): readonly C[] {
  let kept = columns;
  while (kept.length > 2 && tableWidth(kept) > width) {
    const worst = Math.max(...kept.map(({ drop }) => drop));
    const last = kept.findLastIndex(({ drop }) => drop === worst);
    kept = kept.filter((_, index) => index !== last);
  }
  return kept;
}

function tableWidth(columns: readonly { readonly column: Column<never>; readonly texts: readonly string[] }[]): number {
  const widths = columns.map(({ column, texts }) =>
    Math.max(
      ...heading(column)
        .split('\n')
        .map((line) => line.length),
      ...texts.map((text) => text.length),
    ),
  );
  return widths.reduce((sum, width) => sum + width + 2, -2);
}

/** Title over unit, the title in short lines. */
function heading({ title, unit }: Pick<Column<never>, 'title' | 'unit'>): string {
  return [wrapped(title, TITLE), ...(unit === null ? [] : [unit])].join('\n');
}

function notes(lines: readonly string[], width: number, io: Terminal): string {
  const [heading, ...items] = ['Notes', ...lines.map((line) => `· ${wrapped(line, width - 2, '  ').trimStart()}`)];
  return [io.color.bold.underline(heading), ...items].join('\n');
}

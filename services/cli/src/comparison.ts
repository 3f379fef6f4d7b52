/** The comparison in a terminal: the sentence, tables tinted from worse to better, the notes. */

import { type Column, cellNumber, cellText } from '@lamina/domain/results/tables/column.ts';
import { heatScale } from '@lamina/domain/results/tables/heat.ts';
import { TABLES } from '@lamina/domain/results/tables/registry.ts';
import type { Table } from '@lamina/domain/results/tables/table.ts';
import type { Comparison, TableRow } from '@lamina/domain/results/types.ts';
import { heated } from './format/heat.ts';
import { table } from './format/table.ts';
import { counted, shortened, wrapped } from './format/text.ts';
import type { Io } from './io.ts';

type Terminal = Pick<Io, 'out' | 'columns' | 'color'>;

export interface ComparisonOptions {
  /** Ids of the tables, in the order to show them; all unless given. */
  readonly tables?: readonly string[];
  /** Rows per table; the rest is counted. */
  readonly maxRows?: number;
}

const WIDEST_TEXT = 100;
const LABEL = 42;
const TITLE = 10;

/** Writes a comparison to `io.out`, no wider than the terminal. */
export function printComparison(comparison: Comparison, io: Terminal, options: ComparisonOptions = {}): void {
  const { color } = io;
  const { tables, maxRows = Number.POSITIVE_INFINITY } = options;
  const shown = tables === undefined ? TABLES : tables.flatMap((id) => TABLES.filter((one) => one.id === id));
  const text = Math.min(io.columns(), WIDEST_TEXT);
  const parts = [
    `${color.bold(comparison.name)}  ${color.dim(`${comparison.experimentId}  ${comparison.state}`)}`,
    color.bold(wrapped(comparison.recommendation.sentence, text)),
    ...shown.flatMap((one) => section(one, one.rows(comparison), io, maxRows)),
    ...(comparison.notes.length > 0 ? [notes(comparison.notes, text, io)] : []),
  ];
  io.out(`${parts.join('\n\n')}\n`);
}

function section<Row extends TableRow>(
  { title, legend: legendOf, terminal }: Table<Row>,
  rows: readonly Row[],
  io: Terminal,
  maxRows: number,
): string[] {
  if (rows.length === 0) return [];
  const { color } = io;
  const shown = rows.slice(0, maxRows);
  const filled = terminal
    .filter(({ needed }) => needed(rows))
    .map(({ column, drop }) => ({ column, drop, texts: shown.map((row) => textOf(column, row)) }))
    .filter(({ texts }) => texts.some((text) => text !== '–' && text !== ''));
  const fitting = fitted(filled, io.columns());
  const cells = fitting.map(({ column, texts }) => {
    const numbers = shown.map((row) => cellNumber(column, row));
    const scale = column.better === null ? null : heatScale(numbers, { better: column.better, scale: 'linear' });
    return texts.map((text, index) => heated(text, scale?.intensity(numbers[index] ?? null) ?? null, color));
  });
  const body = table(
    fitting.map(({ column }) => ({
      title: color.dim(heading(column)),
      align: column.kind === 'text' ? 'left' : 'right',
    })),
    shown.map((_, index) => cells.map((column) => column[index] ?? '')),
  );
  const hidden = rows.length - shown.length;
  const legend = legendOf(rows);
  const head = color.bold.underline(title);
  const onOneLine = title.length + 2 + legend.length <= io.columns();
  return [
    [
      onOneLine ? `${head}  ${color.dim(legend)}` : `${head}\n${color.dim(wrapped(legend, io.columns()))}`,
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

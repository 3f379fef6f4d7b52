/** A table of the comparison: everything that CSV, Markdown, terminal, HTML report and dashboard need to show it. */
import type { Measure } from '../../measures/measures.ts';
import type { Estimate } from '../estimates.ts';
import type { Comparison, ComparisonRow, TableRow } from '../types.ts';
import type { Column } from './column.ts';
import { type CsvColumn, field } from './column.ts';

/** A column in a terminal; where there is no room, the highest `drop` goes first. */
export interface TerminalColumn<Row> {
  readonly column: Column<Row>;
  readonly drop: number;
  /** Whether the rows need it at all. */
  needed(rows: readonly Row[]): boolean;
}

/** What the rows of a table of its own are made of. */
export interface Measurements {
  /** Cells in the order of the training matrix. */
  readonly cells: readonly ComparisonRow[];
  /** A figure of the cell's trials, estimated over their seeds. */
  over(cell: ComparisonRow, measure: Measure): Estimate;
}

export interface Table<Row extends TableRow> {
  /** Name on the command line and in a query. */
  readonly id: string;
  readonly title: string;
  /** One sentence on what it holds, for Markdown, HTML and the dashboard; empty where the title says all. */
  readonly intro: string;
  /** The same next to the title in a terminal, as short as it goes. */
  legend(rows: readonly Row[]): string;
  rows(comparison: Comparison): readonly Row[];
  /** Makes the rows of a table that are for it alone; null where the comparison has them anyway. */
  compute(measurements: Measurements): readonly Row[] | null;
  /** Different for every row; that of its cell unless a cell has several rows. */
  key(row: Row): string;
  /** Whether Markdown and HTML say that there is nothing to show, or leave the table out. */
  readonly whenEmpty: 'said' | 'omitted';
  /** From left to right in Markdown, and in CSV unless `instead` says otherwise. */
  readonly columns: readonly Column<Row>[];
  readonly terminal: readonly TerminalColumn<Row>[];
  /** From left to right on the dashboard and in the HTML report; null where a plot shows the same. */
  readonly dashboard: readonly Column<Row>[] | null;
  readonly csv: {
    /** In front; some depend on what the rows have in common. */
    lead(rows: readonly Row[]): readonly CsvColumn<Row>[];
    /** In place of columns for people that CSV words otherwise, by their ids. */
    readonly instead: Readonly<Record<string, readonly CsvColumn<Row>[]>>;
    /** At the end: what only CSV holds. */
    readonly trail: readonly CsvColumn<Row>[];
  };
}

type Defaults = 'compute' | 'key' | 'whenEmpty' | 'terminal' | 'dashboard' | 'rows';
type Definition<Row extends TableRow> = Omit<Table<Row>, Defaults | 'csv' | 'legend'> &
  Partial<Pick<Table<Row>, Defaults>> & {
    readonly legend: string | ((rows: readonly Row[]) => string);
    readonly csv?: Partial<Table<Row>['csv']>;
  };

export const CELL_COLUMNS: readonly CsvColumn<TableRow>[] = [field('cellId'), field('label')];

/** A table with what most have: every column everywhere, later ones dropped first in a terminal, and no word when empty. */
export function defineTable<Row extends TableRow>(definition: Definition<Row>): Table<Row> {
  const { id, columns, legend, csv } = definition;
  return {
    compute: () => null,
    key: ({ cellId }) => cellId,
    whenEmpty: 'omitted',
    rows: ({ tables }) => (tables?.[id] ?? []) as readonly Row[],
    terminal: columns.map((column, index) => terminalColumn(column, index)),
    dashboard: columns,
    ...definition,
    legend: typeof legend === 'string' ? () => legend : legend,
    csv: {
      lead: () => CELL_COLUMNS,
      trail: [],
      ...csv,
      // The label for people carries marks; in a file for programs it stands in front, plain.
      instead: { label: [], ...csv?.instead },
    },
  };
}

export function terminalColumn<Row>(
  column: Column<Row>,
  drop: number,
  needed: TerminalColumn<Row>['needed'] = () => true,
): TerminalColumn<Row> {
  return { column, drop, needed };
}

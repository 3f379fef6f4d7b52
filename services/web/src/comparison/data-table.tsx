import { type Column, cellNumber } from '@lamina/domain/results/tables/column.ts';
import type { TableRow } from '@lamina/domain/results/types.ts';
import { memo, type ReactNode, useMemo, useState } from 'react';
import { Card } from '../ui/section.tsx';
import { nextSort, type SortState, sortRows } from './sort.ts';
import styles from './table.module.css';
import { cellParts, columnScale, firstDirection, measuredColumns, sortValue } from './table-model.ts';

/** A sortable table of measured columns; the better a value, the deeper its tint. */
export function DataTable<R extends TableRow>({
  caption,
  columns,
  rows,
  keyOf,
  rowClass,
  tags,
  side,
  foot,
}: {
  caption: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  keyOf: (row: R) => string;
  rowClass?: (row: R) => string | undefined;
  /** Behind the label. */
  tags?: (row: R) => ReactNode;
  /** In place of the interval. */
  side?: (column: Column<R>, row: R) => string | null | undefined;
  foot?: ReactNode;
}) {
  const { shown, unmeasured } = useMemo(() => measuredColumns(columns, rows), [columns, rows]);
  // One object for all rows, so that sorting moves rows and draws none of them again.
  const look = useMemo<Look<R>>(() => {
    const scales = new Map(shown.map((column) => [column.id, columnScale(column, rows)]));
    return {
      heat: (column, row) => scales.get(column.id)?.intensity(cellNumber(column, row)) ?? null,
      rowClass,
      tags,
      side,
    };
  }, [shown, rows, rowClass, tags, side]);
  const [sort, setSort] = useState<SortState | null>(null);
  const sorting = shown.find((column) => column.id === sort?.column);
  const sorted = sorting && sort ? sortRows(rows, sortValue(sorting, rows), sort.direction) : rows;
  return (
    <Card>
      {/* A region that scrolls must be reachable by keyboard. */}
      <div className={styles.scroll} role="region" aria-label={`${caption}, scrolls sideways`} tabIndex={0}>
        <table className={styles.table}>
          <caption className="visually-hidden">{caption}</caption>
          <thead>
            <tr>
              {shown.map((column, index) => (
                <Header
                  key={column.id}
                  column={column}
                  direction={sort?.column === column.id ? sort.direction : 'none'}
                  sticky={index === 0}
                  onSort={() => setSort(nextSort(sort, column.id, firstDirection(column)))}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((row) => (
              <Row key={keyOf(row)} row={row} columns={shown} look={look} />
            ))}
          </tbody>
        </table>
      </div>
      {foot || unmeasured.length > 0 ? (
        <p className={styles.foot}>
          {foot}
          {unmeasured.length > 0 ? <span>Not measured in any row: {unmeasured.join(', ')}.</span> : null}
        </p>
      ) : null}
    </Card>
  );
}

interface Look<R> {
  readonly heat: (column: Column<R>, row: R) => number | null;
  readonly rowClass: ((row: R) => string | undefined) | undefined;
  readonly tags: ((row: R) => ReactNode) | undefined;
  readonly side: ((column: Column<R>, row: R) => string | null | undefined) | undefined;
}

function PlainRow<R>({ row, columns, look }: { row: R; columns: readonly Column<R>[]; look: Look<R> }) {
  return (
    <tr className={look.rowClass?.(row)}>
      {columns.map((column, index) => {
        const heat = look.heat(column, row);
        const [main, interval] = cellParts(column, row);
        const extra = look.side?.(column, row);
        const content = (
          <>
            {main}
            <Small text={extra === undefined ? interval : extra} />
          </>
        );
        return index === 0 ? (
          <th key={column.id} scope="row" className={styles.sticky}>
            {content}
            {look.tags?.(row)}
          </th>
        ) : (
          <td
            key={column.id}
            className={`${column.kind === 'text' ? '' : styles.end} ${heat === null ? '' : styles.heat}`}
            style={heat === null ? undefined : { ['--t' as string]: heat.toFixed(3) }}
          >
            {content}
          </td>
        );
      })}
    </tr>
  );
}
const Row = memo(PlainRow) as typeof PlainRow;

function Small({ text }: { text: string | null }) {
  return text === null ? null : <small> {text}</small>;
}

function Header<Row>({
  column,
  direction,
  sticky,
  onSort,
}: {
  column: Column<Row>;
  direction: SortState['direction'] | 'none';
  sticky: boolean;
  onSort: () => void;
}) {
  return (
    <th
      scope="col"
      className={`${column.kind === 'text' ? '' : styles.end} ${sticky ? styles.sticky : ''}`}
      aria-sort={direction}
    >
      <button type="button" className={styles.sort} onClick={onSort}>
        <span>
          {column.title.charAt(0).toUpperCase() + column.title.slice(1)}
          {column.unit ? <span className={styles.unit}>{column.unit}</span> : null}
        </span>
        <svg className={styles.arrow} viewBox="0 0 8 8" height="14" aria-hidden="true">
          <path d="M0 2h8L4 7z" fill="currentColor" />
        </svg>
      </button>
    </th>
  );
}

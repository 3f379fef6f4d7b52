import type { Column } from '@lamina/domain/results/tables/column.ts';
import { MATRIX } from '@lamina/domain/results/tables/matrix.ts';
import { TABLES } from '@lamina/domain/results/tables/registry.ts';
import { SEARCH } from '@lamina/domain/results/tables/search.ts';
import type { Table } from '@lamina/domain/results/tables/table.ts';
import type { Comparison, ComparisonRow, TableRow } from '@lamina/domain/results/types.ts';
import { lazy, Suspense, useCallback } from 'react';
import { Section } from '../ui/section.tsx';
import { DataTable } from './data-table.tsx';
import styles from './table.module.css';

const SearchPlot = lazy(async () => ({ default: (await import('./plots/plots.tsx')).SearchPlot }));

/** Every table that has rows, in the order of the registry. */
export function Tables({ comparison }: { comparison: Comparison }) {
  return TABLES.map((table) =>
    table.id === MATRIX.id ? (
      <TrainingTable key={table.id} rows={comparison.rows} bestCellId={comparison.recommendation.cellId} />
    ) : (
      <PlainTable key={table.id} table={table} comparison={comparison} />
    ),
  );
}

function PlainTable({ table, comparison }: { table: Table<TableRow>; comparison: Comparison }) {
  const rows = table.rows(comparison);
  if (table.dashboard === null || rows.length === 0) return null;
  return (
    <Section title={table.title} text={table.intro}>
      <DataTable caption={table.title} columns={table.dashboard} rows={rows} keyOf={table.key} />
      {table.id === SEARCH.id ? <StudyPlot comparison={comparison} /> : null}
    </Section>
  );
}

function StudyPlot({ comparison }: { comparison: Comparison }) {
  const drawn = comparison.search.studies.filter(({ curve }) => curve.length > 0);
  if (drawn.length === 0) return null;
  return (
    <Suspense fallback={null}>
      <SearchPlot studies={drawn} />
    </Suspense>
  );
}

/** The training matrix has tags behind its labels, the p value next to a difference, and words below it. */
function TrainingTable({ rows, bestCellId }: { rows: readonly ComparisonRow[]; bestCellId: string | null }) {
  const tags = useCallback(
    (row: ComparisonRow) => (
      <>
        {row.isBaseline ? <span className={styles.tag}>baseline</span> : null}
        {row.cellId === bestCellId ? <span className={styles.tag}>best</span> : null}
        {row.suggestedBy ? (
          <span className={styles.tag} title={`Suggestion ${row.suggestedBy.number} of ${row.suggestedBy.study}`}>
            searched
          </span>
        ) : null}
        {row.mixedEnvironment ? (
          <span
            className={`${styles.tag} ${styles.warn}`}
            title={`Device, driver, threads or trainer differ from the baseline’s, or within the row: ${row.devices.join(', ')}`}
          >
            † other environment
          </span>
        ) : null}
      </>
    ),
    [bestCellId],
  );
  return (
    <Section
      title={MATRIX.title}
      text="One row a cell; a deeper tint is better within its column, a dash was not measured."
    >
      <DataTable
        caption={MATRIX.title}
        columns={MATRIX.dashboard ?? MATRIX.columns}
        rows={rows}
        keyOf={MATRIX.key}
        rowClass={baselineClass}
        tags={tags}
        side={significance}
        foot={
          <span>
            Means over seeds with half of their 95 % interval (Student t), or the interval in brackets where it is not
            symmetric; p paired by seed, adjusted by Holm’s method.
          </span>
        }
      />
    </Section>
  );
}

function baselineClass(row: ComparisonRow): string | undefined {
  return row.isBaseline ? styles.baseline : undefined;
}

/** The p value stands next to the difference to the baseline; other columns keep their interval. */
function significance(column: Column<ComparisonRow>, row: ComparisonRow): string | null | undefined {
  if (column.id !== 'lossDelta') return undefined;
  const { pAdjusted } = row.lossDelta;
  if (row.isBaseline || pAdjusted === null) return null;
  return pAdjusted < 0.001 ? 'p < 0.001' : `p ${pAdjusted.toFixed(3)}`;
}

import {
  SEARCH_COLUMNS,
  SEARCH_INTRO,
  SWITCHING_COLUMNS,
  SWITCHING_INTRO,
} from '@lamina/domain/results/search-columns.ts';
import type { Comparison } from '@lamina/domain/results/types.ts';
import { lazy, Suspense } from 'react';
import { Section } from '../ui/section.tsx';
import { DataTable } from './data-table.tsx';

const SearchPlot = lazy(async () => ({ default: (await import('./plots/plots.tsx')).SearchPlot }));

/** *Search* and *Search against switching*: only where there is a search. */
export function SearchTables({ search }: { search: Comparison['search'] | undefined }) {
  if (search === undefined || search.studies.length === 0) return null;
  const drawn = search.studies.filter(({ curve }) => curve.length > 0);
  return (
    <>
      <Section title="Search" text={SEARCH_INTRO}>
        <DataTable caption="Search" columns={SEARCH_COLUMNS} rows={search.studies} />
        {drawn.length > 0 ? (
          <Suspense fallback={null}>
            <SearchPlot studies={drawn} />
          </Suspense>
        ) : null}
      </Section>
      {search.switching.length > 0 ? (
        <Section title="Search against switching" text={SWITCHING_INTRO}>
          <DataTable caption="Search against switching" columns={SWITCHING_COLUMNS} rows={search.switching} />
        </Section>
      ) : null}
    </>
  );
}

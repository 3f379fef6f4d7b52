import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useState } from 'react';
import { ApiError } from '../api/client.ts';
import { useLive } from '../api/live.ts';
import { comparisonHref, comparisonQuery, experimentQuery, MOST_TRIALS, trialsQuery } from '../api/queries.ts';
import { MatrixGrid } from '../grid/matrix-grid.tsx';
import { Empty, ErrorMessage, Loading, Skeleton } from '../ui/messages.tsx';
import { Card, Section } from '../ui/section.tsx';
import styles from './experiment.module.css';
import { ExperimentHeader } from './experiment-header.tsx';

const TrialDrawer = lazy(() => import('../trial/trial-drawer.tsx'));
const ComparisonView = lazy(() => import('../comparison/comparison-view.tsx'));

export default function ExperimentPage() {
  const { experimentId } = useParams({ from: '/experiments/$experimentId' });
  const { trial: trialId } = useSearch({ from: '/experiments/$experimentId' });
  // Kept while the drawer closes, so that it can slide out and give the focus back.
  const [shownTrialId, setShownTrialId] = useState<string | null>(null);
  if (trialId !== undefined && trialId !== shownTrialId) setShownTrialId(trialId);
  const navigate = useNavigate({ from: '/experiments/$experimentId' });
  const experiment = useQuery(experimentQuery(experimentId));
  const connection = useLive(experimentId, experiment.data !== undefined);
  const trials = useQuery(trialsQuery(experimentId));
  const select = useCallback(
    (trial?: string) =>
      void navigate({ search: trial === undefined ? {} : { trial }, replace: true, resetScroll: false }),
    [navigate],
  );

  if (experiment.isError && !experiment.data) {
    return experiment.error instanceof ApiError && experiment.error.status === 404 ? (
      <Card>
        <Empty title="There is no such experiment">
          <p>
            <code>{experimentId}</code>
          </p>
        </Empty>
      </Card>
    ) : (
      <ErrorMessage
        title="The experiment cannot be shown"
        error={experiment.error}
        onRetry={() => void experiment.refetch()}
      />
    );
  }
  if (!experiment.data) return <Placeholder />;
  return (
    <div className={styles.page}>
      <title>{`${experiment.data.name} · Lamina`}</title>
      <ExperimentHeader experiment={experiment.data} connection={connection} />
      <Section title="Matrix" text="Layers down, precision across; one square a seed. Open a square for its trial.">
        {trials.isError ? (
          <ErrorMessage title="The trials cannot be read" error={trials.error} onRetry={() => void trials.refetch()} />
        ) : null}
        {trials.data ? (
          <>
            <MatrixGrid
              experiment={experiment.data}
              trials={trials.data.items}
              selectedTrialId={trialId ?? null}
              onSelect={select}
            />
            {trials.data.isCut ? <p>Only the first {MOST_TRIALS} trials are drawn.</p> : null}
          </>
        ) : trials.isPending ? (
          <Loading what="trials">
            <Skeleton height={260} />
          </Loading>
        ) : null}
      </Section>
      <Comparison experimentId={experimentId} />
      {shownTrialId === null ? null : (
        <Suspense>
          <TrialDrawer
            experimentId={experimentId}
            trialId={shownTrialId}
            opened={trialId !== undefined}
            onClose={() => select()}
          />
        </Suspense>
      )}
    </div>
  );
}

function Comparison({ experimentId }: { experimentId: string }) {
  const query = useQuery(comparisonQuery(experimentId));
  if (query.isError && !query.data) {
    return (
      <ErrorMessage title="The comparison cannot be made" error={query.error} onRetry={() => void query.refetch()} />
    );
  }
  if (!query.data) return <Placeholder />;
  const measured = query.data.rows.some((row) => row.seeds.length > 0);
  return (
    <Section title="Comparison" tools={measured ? <Downloads id={experimentId} /> : null}>
      {measured ? (
        <Suspense fallback={<Placeholder />}>
          <ComparisonView comparison={query.data} />
        </Suspense>
      ) : (
        <Card>
          <Empty title="Nothing to compare yet">
            <p>The comparison appears with the first trial that ends with a measurement.</p>
          </Empty>
        </Card>
      )}
    </Section>
  );
}

function Downloads({ id }: { id: string }) {
  return (
    <nav className={`${styles.downloads} screen-only`} aria-label="The comparison as a file">
      <a href={comparisonHref(id, 'html')}>Report</a>
      <a href={comparisonHref(id, 'csv')}>CSV</a>
      <a href={comparisonHref(id, 'md')}>Markdown</a>
      <a href={comparisonHref(id, 'json')}>JSON</a>
    </nav>
  );
}

function Placeholder() {
  return (
    <Loading what="experiment">
      <div className={styles.loading}>
        <Skeleton height={32} width="40%" />
        <Skeleton height={14} width="60%" />
        <Skeleton height={240} />
      </div>
    </Loading>
  );
}

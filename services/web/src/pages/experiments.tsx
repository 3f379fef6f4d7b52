import type { ExperimentView } from '@lamina/domain/contract/api.ts';
import { NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { experimentsQuery } from '../api/queries.ts';
import { ago, DASH, duration, secondsBetween } from '../format.ts';
import { ActionButton } from '../ui/button.tsx';
import { Empty, ErrorMessage, Loading, Skeleton } from '../ui/messages.tsx';
import { useNow } from '../ui/now.ts';
import { Card } from '../ui/section.tsx';
import { BlockedBadge, ExperimentBadge, open, ProgressBar } from '../ui/state.tsx';
import { EXPERIMENT_STATE_OPTIONS } from '../ui/state-names.ts';
import styles from './experiments.module.css';

export default function ExperimentsPage() {
  const [name, setName] = useState('');
  const [state, setState] = useState('');
  const [settledName] = useDebouncedValue(name, 250);
  const query = useInfiniteQuery({
    ...experimentsQuery({ name: settledName.trim(), state }),
    placeholderData: keepPreviousData,
  });
  const isFiltered = name !== '' || state !== '';
  return (
    <>
      <title>Experiments · Lamina</title>
      <div className={styles.head}>
        <h1>Experiments</h1>
        <div className={styles.filters} role="search">
          <TextInput
            size="xs"
            type="search"
            aria-label="Search by name"
            placeholder="Search by name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <NativeSelect
            size="xs"
            aria-label="State"
            data={EXPERIMENT_STATE_OPTIONS}
            value={state}
            onChange={(event) => setState(event.currentTarget.value)}
          />
        </div>
      </div>
      {query.isError ? (
        <ErrorMessage
          title="The experiments cannot be listed"
          error={query.error}
          onRetry={() => void query.refetch()}
        />
      ) : null}
      {query.isPending ? <Placeholder /> : null}
      {query.data ? <List items={query.data.pages.flatMap((page) => page.items)} isFiltered={isFiltered} /> : null}
      {query.hasNextPage ? (
        <div className={styles.more}>
          <ActionButton loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            Show more
          </ActionButton>
        </div>
      ) : null}
    </>
  );
}

function List({ items, isFiltered }: { items: readonly ExperimentView[]; isFiltered: boolean }) {
  const now = useNow(15_000);
  if (items.length === 0) {
    return (
      <Card>
        {isFiltered ? (
          <Empty title="No experiment matches">
            <p>Change the name or the state.</p>
          </Empty>
        ) : (
          <Empty title="No experiments yet">
            <p>Submit one and watch it here:</p>
            <code>lamina submit examples/quickstart.yaml</code>
          </Empty>
        )}
      </Card>
    );
  }
  return (
    <Card>
      <div className={styles.scroll}>
        <table className={styles.table}>
          <caption className="visually-hidden">Experiments, newest first</caption>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">State</th>
              <th scope="col">Trials</th>
              <th scope="col" className={`${styles.end} ${styles.optional}`}>
                Cells
              </th>
              <th scope="col" className={`${styles.end} ${styles.optional}`}>
                Time
              </th>
              <th scope="col" className={`${styles.end} ${styles.optional}`}>
                Submitted
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <Row key={item.id} item={item} now={now} />
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function Row({ item, now }: { item: ExperimentView; now: number }) {
  const running = item.startedAt !== null && item.endedAt === null;
  return (
    <tr className={styles.row}>
      <th scope="row" className={styles.name}>
        <Link to="/experiments/$experimentId" params={{ experimentId: item.id }} title={item.name}>
          {item.name}
        </Link>
      </th>
      <td>
        <ExperimentBadge state={item.state} />
        {item.blocked === null ? null : <BlockedBadge blocked={item.blocked} />}
      </td>
      <td className={styles.progress}>
        <div>
          <ProgressBar counts={item.counts} total={item.total} />
          <span className={styles.count}>
            {item.total - open(item.counts)}/{item.total}
          </span>
        </div>
      </td>
      <td className={`${styles.end} ${styles.optional} ${styles.dim}`}>{item.cells ?? DASH}</td>
      <td className={`${styles.end} ${styles.optional} ${styles.dim}`}>
        {running && item.forecast?.end != null
          ? `${duration(secondsBetween(new Date(now).toISOString(), item.forecast.end.median, now))} left`
          : duration(secondsBetween(item.startedAt, item.endedAt, now))}
      </td>
      <td className={`${styles.end} ${styles.optional} ${styles.dim}`}>
        <time dateTime={item.createdAt} title={new Date(item.createdAt).toLocaleString()}>
          {ago(item.createdAt, now)}
        </time>
      </td>
    </tr>
  );
}

function Placeholder() {
  return (
    <Loading what="experiments">
      <Card>
        <div className={styles.lines}>
          {[70, 55, 62, 48, 66].map((width) => (
            <Skeleton key={width} height={18} width={`${width}%`} />
          ))}
        </div>
      </Card>
    </Loading>
  );
}

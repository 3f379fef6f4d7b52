import type { ExperimentView } from '@lamina/domain/contract/api.ts';
import { blockedReason } from '@lamina/domain/contract/blocked-text.ts';
import '../styles/overlays.ts';
import { Modal } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Connection } from '../api/live.ts';
import { type Action, act } from '../api/queries.ts';
import { endText, pastErrorText } from '../forecast.ts';
import { ago, duration, percent, plural, secondsBetween } from '../format.ts';
import { ActionButton } from '../ui/button.tsx';
import { ErrorMessage, Notice } from '../ui/messages.tsx';
import { useNow } from '../ui/now.ts';
import { ExperimentBadge, open, ProgressBar } from '../ui/state.tsx';
import { actionsFor } from './actions.ts';
import styles from './experiment.module.css';

export function ExperimentHeader({ experiment, connection }: { experiment: ExperimentView; connection: Connection }) {
  const now = useNow(1000);
  const { counts, total } = experiment;
  const ended = total - open(counts);
  const running = secondsBetween(experiment.startedAt, experiment.endedAt, now);
  return (
    <header className={styles.head}>
      <nav className={`${styles.crumb} screen-only`} aria-label="Breadcrumb">
        <Link to="/">← Experiments</Link>
      </nav>
      <div className={styles.titleRow}>
        <h1>{experiment.name}</h1>
        <span role="status">
          <ExperimentBadge state={experiment.state} />
        </span>
        <LiveMark connection={connection} />
        <Actions experiment={experiment} />
      </div>
      {experiment.blocked === null ? null : (
        <Notice title={`Blocked for ${duration(secondsBetween(experiment.blocked.since, null, now))}`}>
          {sentenceCase(blockedReason(experiment.blocked))}
        </Notice>
      )}
      <ProgressBar counts={counts} total={total} height={10} />
      <dl className={styles.facts}>
        <Fact name="Trials">
          {ended} of {total} ended{total > 0 && ended < total ? ` (${percent(ended / total, 0)})` : ''}
        </Fact>
        {experiment.forecast === null ? null : (
          <Fact name="Ends">
            <span title={pastErrorText(experiment.forecast.pastError)}>{endText(experiment.forecast, now)}</span>
          </Fact>
        )}
        {running === null ? null : (
          <Fact name={experiment.endedAt === null ? 'Running for' : 'Took'}>{duration(running)}</Fact>
        )}
        <Fact name="Submitted">
          <time dateTime={experiment.createdAt} title={new Date(experiment.createdAt).toLocaleString()}>
            {ago(experiment.createdAt, now)}
          </time>
        </Fact>
        <Fact name="Id">
          <code>{experiment.id}</code>
        </Fact>
      </dl>
    </header>
  );
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const CONNECTION: Record<Connection, { text: string; color: string }> = {
  connecting: { text: 'Connecting', color: 'var(--s-pending)' },
  live: { text: 'Live', color: 'var(--s-succeeded)' },
  interrupted: { text: 'Reconnecting, asking every few seconds meanwhile', color: 'var(--s-retrying)' },
};

function LiveMark({ connection }: { connection: Connection }) {
  const { text, color } = CONNECTION[connection];
  return (
    <span className={`${styles.live} screen-only`} role="status" style={{ ['--c' as string]: color }}>
      {text}
    </span>
  );
}

function Actions({ experiment }: { experiment: ExperimentView }) {
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const mutation = useMutation({
    mutationFn: (action: Action) => act(experiment.id, action),
    onSettled: () =>
      Promise.all(
        ['experiment', 'trials', 'comparison'].map((kind) =>
          client.invalidateQueries({ queryKey: [kind, experiment.id] }),
        ),
      ),
  });
  const actions = actionsFor(experiment);
  const busy = (action: Action) => mutation.isPending && mutation.variables === action;
  return (
    <>
      <div className={`${styles.actions} screen-only`}>
        {actions.includes('pause') ? (
          <ActionButton loading={busy('pause')} onClick={() => mutation.mutate('pause')}>
            Pause
          </ActionButton>
        ) : null}
        {actions.includes('resume') ? (
          <ActionButton tone="main" loading={busy('resume')} onClick={() => mutation.mutate('resume')}>
            Resume
          </ActionButton>
        ) : null}
        {actions.includes('retry') ? (
          <ActionButton loading={busy('retry')} onClick={() => mutation.mutate('retry')}>
            Retry failed
          </ActionButton>
        ) : null}
        {actions.includes('cancel') ? (
          <ActionButton tone="danger" loading={busy('cancel')} onClick={() => setAsking(true)}>
            Cancel
          </ActionButton>
        ) : null}
      </div>
      {mutation.isError ? (
        <div style={{ flexBasis: '100%' }}>
          <ErrorMessage title={`Could not ${mutation.variables}`} error={mutation.error} />
        </div>
      ) : null}
      <Modal opened={isAsking} onClose={() => setAsking(false)} title="Cancel this experiment?" centered>
        <div className={styles.modal}>
          <p>
            {plural(open(experiment.counts), 'trial')} will not be run or not be finished. What is measured stays, and
            cancelled trials can be retried.
          </p>
          <div>
            <ActionButton onClick={() => setAsking(false)}>Keep running</ActionButton>
            <ActionButton
              tone="danger"
              onClick={() => {
                setAsking(false);
                mutation.mutate('cancel');
              }}
            >
              Cancel experiment
            </ActionButton>
          </div>
        </div>
      </Modal>
    </>
  );
}

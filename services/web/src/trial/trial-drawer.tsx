import type { AttemptView, TrialDetail } from '@lamina/domain/contract/api.ts';
import type { TrialEvent } from '@lamina/domain/contract/trial.ts';
import { MEMORY_COUNTER_NAMES } from '@lamina/domain/results/format.ts';
import { Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef } from 'react';
import { attemptEventsQuery, logQuery, trialQuery } from '../api/queries.ts';
import { bytes, capitalized, compact, DASH, duration, fixed, percent, secondsBetween } from '../format.ts';
import { progressText } from '../grid/model.ts';
import { ErrorMessage, Loading, Skeleton } from '../ui/messages.tsx';
import { useNow } from '../ui/now.ts';
import { TrialBadge } from '../ui/state.tsx';
import { type CurvePoint, lossCurve } from './curve.ts';
import styles from './trial-drawer.module.css';

export default function TrialDrawer({
  experimentId,
  trialId,
  opened,
  onClose,
}: {
  experimentId: string;
  trialId: string;
  opened: boolean;
  onClose: () => void;
}) {
  const query = useQuery(trialQuery(experimentId, trialId));
  const trial = query.data;
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size="lg"
      title={trial ? `${trial.label}, seed ${trial.seed}` : 'Trial'}
      returnFocus={false}
      onExitTransitionEnd={() => focusSquare(trialId)}
      closeButtonProps={{ 'aria-label': 'Close' }}
      overlayProps={{ backgroundOpacity: 0.25 }}
    >
      {query.isError && !trial ? (
        <ErrorMessage title="The trial cannot be shown" error={query.error} onRetry={() => void query.refetch()} />
      ) : null}
      {trial ? <Body trial={trial} /> : null}
      {query.isPending ? (
        <Loading what="trial">
          <Skeleton height={180} />
        </Loading>
      ) : null}
    </Drawer>
  );
}

/** Back to where the drawer was opened from, or would have been: an address can open it too. */
function focusSquare(trialId: string): void {
  document.querySelector<HTMLElement>(`[data-trial="${CSS.escape(trialId)}"]`)?.focus();
}

function Body({ trial }: { trial: TrialDetail }) {
  const newest = trial.attemptList.toSorted((a, b) => b.attempt - a.attempt)[0] ?? null;
  const isBad = trial.state === 'failed' || trial.state === 'diverged';
  const stored = trial.result?.training.losses ?? [];
  const posted = useQuery({
    ...attemptEventsQuery(newest?.id ?? '', newest?.outcome === null),
    enabled: newest !== null && stored.length === 0,
  });
  const steps = (posted.data ?? []).flatMap((event) => (event.type === 'step' ? [event] : []));
  return (
    <div className={styles.body}>
      <div className={styles.head}>
        <TrialBadge state={trial.state} />
        {trial.state === 'running' ? <span>{progressText(trial)}</span> : null}
        {trial.reusedFrom ? <span className={styles.dim}>measured in experiment {trial.reusedFrom}</span> : null}
      </div>
      {trial.message ? <p className={`${styles.message} ${isBad ? styles.bad : ''}`}>{trial.message}</p> : null}
      <Figures trial={trial} lastStep={trial.state === 'running' ? newestStep(steps) : null} />
      <LossCurve points={stored.length > 0 ? stored : steps} />
      <Attempts attempts={trial.attemptList} />
      {newest ? <Log key={newest.id} attempt={newest} /> : null}
    </div>
  );
}

type StepEvent = Extract<TrialEvent, { readonly type: 'step' }>;

function newestStep(steps: readonly StepEvent[]): StepEvent | null {
  return steps.reduce<StepEvent | null>((newest, one) => (one.step >= (newest?.step ?? 0) ? one : newest), null);
}

/** `lastStep`: of a trial that runs, the newest training step; its speed and memory stand in for those of the result. */
function Figures({ trial, lastStep }: { trial: TrialDetail; lastStep: StepEvent | null }) {
  const now = useNow(1000);
  const { result } = trial;
  const memory = result?.memory;
  const onGpu = result?.environment.deviceKind === 'cuda';
  const speed = trial.tokensPerSecond ?? lastStep?.tokensPerSecond ?? null;
  return (
    <dl className={styles.facts}>
      <Fact name="Loss as cut">{fixed(trial.raw?.loss, 3)}</Fact>
      <Fact name="Loss after training">{fixed(trial.trained?.loss, 3)}</Fact>
      <Fact name="Perplexity">{compact(trial.trained?.perplexity)}</Fact>
      <Fact name="Token accuracy">{percent(trial.trained?.accuracy)}</Fact>
      <Fact name="Speed">{speed === null ? DASH : `${compact(speed)} tokens/s`}</Fact>
      {lastStep === null ? (
        <Fact name={capitalized(MEMORY_COUNTER_NAMES[onGpu ? 'peak-reserved' : 'peak-rss'])}>
          {bytes(onGpu ? memory?.peakReservedBytes : memory?.peakRssBytes)}
        </Fact>
      ) : (
        <Fact name="Memory now">{bytes(lastStep.memoryBytes)}</Fact>
      )}
      <Fact name="Time">{duration(secondsBetween(trial.startedAt, trial.endedAt, now))}</Fact>
      <Fact name="Device">{result?.environment.device ?? DASH}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function LossCurve({ points }: { points: readonly CurvePoint[] }) {
  const [width, height] = [480, 96];
  const curve = lossCurve(points, width, height);
  if (curve === null) return null;
  return (
    <section className={styles.block}>
      <h3>Training loss</h3>
      <div className={styles.curve}>
        <div className={styles.ends}>
          <span>{fixed(curve.max, 2)}</span>
          <span>{fixed(curve.min, 2)}</span>
        </div>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Training loss from step ${curve.firstStep} to ${curve.lastStep}, last ${fixed(curve.last.loss, 3)}`}
        >
          <path d={`M0,${height}H${width}`} stroke="var(--line-strong)" vectorEffect="non-scaling-stroke" />
          <path
            d={curve.path}
            fill="none"
            stroke="var(--accent)"
            strokeWidth="2"
            strokeLinejoin="round"
            vectorEffect="non-scaling-stroke"
          />
        </svg>
        <div className={styles.steps}>
          <span>step {curve.firstStep}</span>
          <span>
            last {fixed(curve.last.loss, 3)} · step {curve.lastStep}
          </span>
        </div>
      </div>
    </section>
  );
}

function Attempts({ attempts }: { attempts: readonly AttemptView[] }) {
  const now = useNow(1000);
  if (attempts.length === 0) return <p className={styles.dim}>No attempt has been started.</p>;
  return (
    <section className={styles.block}>
      <h3>Attempts</h3>
      <table className={styles.attempts}>
        <thead>
          <tr>
            <th scope="col">#</th>
            <th scope="col">Outcome</th>
            <th scope="col">Time</th>
            <th scope="col">Said</th>
          </tr>
        </thead>
        <tbody>
          {attempts.map((attempt) => (
            <tr key={attempt.id}>
              <th scope="row">{attempt.attempt}</th>
              <td>{attempt.outcome ?? progressText(attempt)}</td>
              <td>{duration(secondsBetween(attempt.startedAt, attempt.endedAt, now))}</td>
              <td>
                {attempt.message ?? DASH}
                {attempt.exitCode !== null && attempt.exitCode !== 0 ? ` (exit code ${attempt.exitCode})` : ''}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Log({ attempt }: { attempt: AttemptView }) {
  const query = useQuery(logQuery(attempt.id, attempt.outcome === null));
  const end = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (query.data !== undefined && end.current) end.current.scrollTop = end.current.scrollHeight;
  }, [query.data]);
  return (
    <section className={styles.block}>
      <h3>Log, last lines</h3>
      {query.data ? (
        <pre ref={end} className={styles.log} tabIndex={0} aria-label="Log">
          {query.data}
        </pre>
      ) : (
        <p className={styles.dim}>{query.isPending ? 'Loading…' : 'No log was kept.'}</p>
      )}
    </section>
  );
}

/** States of experiments and trials: a colour, a glyph and a word for each. */
import type { BlockedView } from '@lamina/domain/contract/blocked.ts';
import { blockedReason } from '@lamina/domain/contract/blocked-text.ts';
import type { ExperimentState, TrialState } from '@lamina/domain/vocabulary/states.ts';
import type { CSSProperties } from 'react';
import styles from './state.module.css';
import { experimentStateName, STATE_NAMES } from './state-names.ts';

const GLYPHS: Record<TrialState, string> = {
  pending: 'M6 6h.01',
  running: 'M4.2 2.6v6.8L9.6 6z',
  retrying: 'M9.5 6A3.5 3.5 0 1 1 8.2 3.3M8.6 1.2v2.4H6.2',
  succeeded: 'M2.5 6.4 5 8.8 9.6 3.4',
  reused: 'M2 5.4 4 7.4 7.4 3.4M5.4 7.6 6.6 8.6 10.2 4.4',
  diverged: 'M2 9.6C5.5 9 6.2 6 6.8 2.2M8.6 4.2 6.8 2 4.8 3.6',
  pruned: 'M2 6h4.6M8.8 2.8v6.4',
  failed: 'M3 3l6 6M9 3l-6 6',
  cancelled: 'M2.6 6h6.8',
};

const GLYPH_STROKE: Partial<Record<TrialState, number>> = { running: 0, pending: 3 };

/** Order in bars and legends: what is done first, what is to come last. */
const STATE_ORDER: readonly TrialState[] = [
  'succeeded',
  'reused',
  'diverged',
  'pruned',
  'failed',
  'cancelled',
  'running',
  'retrying',
  'pending',
];

const EXPERIMENT_LOOK: Record<ExperimentState, TrialState> = {
  pending: 'pending',
  running: 'running',
  paused: 'retrying',
  cancelling: 'cancelled',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
};

type Counts = Readonly<Partial<Record<TrialState, number>>>;

export function stateColor(state: TrialState): CSSProperties {
  return { ['--c' as string]: `var(--s-${state})` };
}

export function StateGlyph({ state }: { state: TrialState }) {
  return (
    <svg className={styles.glyph} viewBox="0 0 12 12" aria-hidden="true">
      <path
        d={GLYPHS[state]}
        fill={state === 'running' ? 'currentColor' : 'none'}
        stroke="currentColor"
        strokeWidth={GLYPH_STROKE[state] ?? 1.7}
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

export function ExperimentBadge({ state }: { state: ExperimentState }) {
  return <Badge state={EXPERIMENT_LOOK[state]} name={experimentStateName(state)} />;
}

export function BlockedBadge({ blocked }: { blocked: BlockedView }) {
  return (
    <span title={blockedReason(blocked)}>
      <Badge state="failed" name="Blocked" />
    </span>
  );
}

export function TrialBadge({ state }: { state: TrialState }) {
  return <Badge state={state} name={STATE_NAMES[state]} />;
}

function Badge({ state, name }: { state: TrialState; name: string }) {
  return (
    <span className={styles.badge} style={stateColor(state)}>
      <span className={state === 'running' ? styles.pulse : undefined} style={{ display: 'inline-flex' }}>
        <StateGlyph state={state} />
      </span>
      {name}
    </span>
  );
}

/** Shares of trials by state; what has not begun is the empty rest. */
export function ProgressBar({ counts, total, height }: { counts: Counts; total: number; height?: number }) {
  const ended = total - open(counts);
  const parts = STATE_ORDER.filter((state) => state !== 'pending' && (counts[state] ?? 0) > 0);
  return (
    <div
      className={styles.bar}
      style={height === undefined ? undefined : { ['--bar-height' as string]: `${height}px` }}
      role="progressbar"
      aria-label="Trials ended"
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={ended}
      aria-valuetext={`${ended} of ${total} trials ended`}
    >
      {parts.map((state) => (
        <span key={state} style={{ ...stateColor(state), flex: `0 1 ${(100 * (counts[state] ?? 0)) / total}%` }} />
      ))}
    </div>
  );
}

export function StateLegend({ counts }: { counts: Counts }) {
  return (
    <ul className={styles.legend} aria-label="Trials by state">
      {STATE_ORDER.filter((state) => (counts[state] ?? 0) > 0).map((state) => (
        <li key={state}>
          <span className={`${styles.swatch} ${isOpen(state) ? styles.open : ''}`} style={stateColor(state)}>
            <StateGlyph state={state} />
          </span>
          {counts[state]} {STATE_NAMES[state]}
        </li>
      ))}
    </ul>
  );
}

/** Drawn as an outline: nothing has come of it yet. */
export function isOpen(state: TrialState): boolean {
  return state === 'pending' || state === 'retrying' || state === 'cancelled';
}

export function open(counts: Counts): number {
  return (counts.pending ?? 0) + (counts.running ?? 0) + (counts.retrying ?? 0);
}

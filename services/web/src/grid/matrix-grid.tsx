import type { ExperimentDetail, TrialView } from '@lamina/domain/contract/api.ts';
import { type CSSProperties, memo, useMemo } from 'react';
import { fixed } from '../format.ts';
import type { MatrixPanel } from '../matrix.ts';
import { Card } from '../ui/section.tsx';
import { isOpen, StateGlyph, StateLegend, stateColor } from '../ui/state.tsx';
import { moveFocus } from './keyboard.ts';
import styles from './matrix-grid.module.css';
import { type GridCell, gridPanels, trialText } from './model.ts';

/** Squares get smaller beyond this many in a cell. */
const MANY_SEEDS = 5;

/** Layers × precision, each seed a square in the colour of its state. */
export function MatrixGrid({
  experiment,
  trials,
  selectedTrialId,
  onSelect,
}: {
  experiment: ExperimentDetail;
  trials: readonly TrialView[];
  selectedTrialId: string | null;
  onSelect: (trialId: string) => void;
}) {
  const panels = useMemo(
    () => gridPanels(experiment.cellList, trials, searchedPaths(experiment.document)),
    [experiment.cellList, experiment.document, trials],
  );
  return (
    <Card>
      <div className={styles.panels}>
        <span id="grid-keys" className="visually-hidden">
          Arrow keys move between trials, Enter opens one.
        </span>
        {panels.map((panel) => (
          <Panel key={panel.key} panel={panel} selectedTrialId={selectedTrialId} onSelect={onSelect} />
        ))}
      </div>
      <div className={styles.foot}>
        <StateLegend counts={experiment.counts} />
      </div>
      <Dropped dropped={experiment.dropped} />
    </Card>
  );
}

function searchedPaths(document: unknown): readonly string[] {
  const { search } = (document ?? {}) as { search?: { parameters?: object } | null };
  return Object.keys(search?.parameters ?? {});
}

function Panel({
  panel,
  selectedTrialId,
  onSelect,
}: {
  panel: MatrixPanel<GridCell>;
  selectedTrialId: string | null;
  onSelect: (trialId: string) => void;
}) {
  const first = panel.rows[0]?.items.find((cell) => (cell?.trials.length ?? 0) > 0)?.trials[0]?.id;
  return (
    <div style={panelSize(panel.columns.length)}>
      {panel.title ? <h3 className={styles.title}>{panel.title}</h3> : null}
      <table className={styles.grid} aria-describedby="grid-keys" onKeyDown={moveFocus}>
        <caption className="visually-hidden">
          Trials by layers and precision{panel.title ? `, ${panel.title}` : ''}
        </caption>
        <colgroup>
          <col className={styles.corner} />
          {panel.columns.map((column) => (
            <col key={column.key} className={styles.column} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <td className={styles.corner} />
            {panel.columns.map((column) => (
              <th key={column.key} scope="col">
                {column.precision}
                <small>{column.method}</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {panel.rows.map((row) => (
            <tr key={row.key}>
              <th scope="row" className={styles.rowHead}>
                {row.label} {row.label === '1' ? 'layer' : 'layers'}
                {row.detail ? <small>{row.detail}</small> : null}
              </th>
              {row.items.map((cell, index) =>
                cell === null ? (
                  <td key={panel.columns[index]?.key} className={styles.hole} />
                ) : (
                  <td key={cell.id} className={styles.cell}>
                    <div className={`${styles.seeds} ${cell.trials.length > MANY_SEEDS ? styles.dense : ''}`}>
                      {cell.trials.map((trial) => (
                        <Seed
                          key={trial.id}
                          trial={trial}
                          label={trial.label}
                          isSelected={trial.id === selectedTrialId}
                          isEntry={trial.id === first}
                          onSelect={onSelect}
                        />
                      ))}
                    </div>
                    <Status status={cell.status} />
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function panelSize(columns: number): CSSProperties {
  return { flex: `1 1 ${96 + columns * 136}px`, maxWidth: 96 + columns * 260 };
}

const Seed = memo(function Seed({
  trial,
  label,
  isSelected,
  isEntry,
  onSelect,
}: {
  trial: TrialView;
  label: string;
  isSelected: boolean;
  isEntry: boolean;
  onSelect: (trialId: string) => void;
}) {
  const text = trialText(trial);
  const classes = [
    styles.seed,
    isOpen(trial.state) ? styles.open : '',
    isSelected ? styles.selected : '',
    trial.state === 'running' ? styles.running : '',
  ];
  return (
    <button
      type="button"
      className={classes.join(' ')}
      style={stateColor(trial.state)}
      aria-label={`${label}, ${text}`}
      title={text}
      data-trial={trial.id}
      data-state={trial.state}
      tabIndex={isEntry ? 0 : -1}
      onClick={() => onSelect(trial.id)}
    >
      <StateGlyph state={trial.state} />
    </button>
  );
});

function Status({ status }: { status: GridCell['status'] }) {
  return (
    <div className={styles.status}>
      {status.kind === 'waiting' ? <span>waiting</span> : null}
      {status.kind === 'ended' ? <span>{status.text}</span> : null}
      {status.kind === 'running' ? (
        <>
          <span>
            {status.text}
            {status.others > 0 ? ` +${status.others}` : ''}
          </span>
          {status.share === null ? null : (
            <div className={styles.meter} aria-hidden="true">
              <i style={{ width: `${status.share * 100}%` }} />
            </div>
          )}
        </>
      ) : null}
      {status.kind === 'measured' ? (
        <span>
          loss <b>{fixed(status.loss, 3)}</b>
          {status.seeds === status.planned ? '' : ` · ${status.seeds}/${status.planned}`}
        </span>
      ) : null}
    </div>
  );
}

function Dropped({ dropped }: { dropped: ExperimentDetail['dropped'] }) {
  if (dropped.length === 0) return null;
  return (
    <details className={styles.dropped}>
      <summary>
        {dropped.length === 1 ? '1 combination is' : `${dropped.length} combinations are`} left out, with reasons
      </summary>
      <dl>
        {dropped.map((cell) => (
          <div key={`${cell.label} ${cell.message}`} style={{ display: 'contents' }}>
            <dt>{cell.label}</dt>
            <dd>{cell.message}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

/** The live matrix: what each cell and each seed's square says. */
import type { CellView, TrialView } from '@lamina/domain/contract/api.ts';
import type { TrialState } from '@lamina/domain/run/types.ts';
import { fixed, plural } from '../format.ts';
import { layoutMatrix, type MatrixPanel, modelName, plannedDepth } from '../matrix.ts';

export interface GridCell {
  readonly id: string;
  readonly label: string;
  readonly trials: readonly TrialView[];
  readonly status: CellStatus;
}

export type CellStatus =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'running'; readonly text: string; readonly share: number | null; readonly others: number }
  | { readonly kind: 'measured'; readonly loss: number; readonly seeds: number; readonly planned: number }
  | { readonly kind: 'ended'; readonly text: string };

export const STATE_NAMES: Record<TrialState, string> = {
  pending: 'waiting',
  running: 'running',
  retrying: 'waiting to retry',
  succeeded: 'succeeded',
  reused: 'reused',
  diverged: 'diverged',
  pruned: 'pruned',
  failed: 'failed',
  cancelled: 'cancelled',
};

export function gridPanels(cells: readonly CellView[], trials: readonly TrialView[]): readonly MatrixPanel<GridCell>[] {
  const byCell = Map.groupBy(trials, (trial) => trial.cellId);
  return layoutMatrix(cells, (cell) => ({
    ...cell,
    model: modelName(cell.model),
    depth: plannedDepth(cell.layers),
  })).map((panel) => ({
    ...panel,
    rows: panel.rows.map((row) => ({
      ...row,
      items: row.items.map((cell) => {
        if (cell === null) return null;
        const own = (byCell.get(cell.id) ?? []).toSorted((a, b) => a.seed - b.seed);
        return { id: cell.id, label: cell.label, trials: own, status: cellStatus(own) };
      }),
    })),
  }));
}

export function cellStatus(trials: readonly TrialView[]): CellStatus {
  const running = trials.filter((trial) => trial.state === 'running').toSorted((a, b) => share(b) - share(a));
  const [first] = running;
  if (first) {
    return {
      kind: 'running',
      text: progressText(first),
      share: first.step !== null && first.steps ? first.step / first.steps : null,
      others: running.length - 1,
    };
  }
  const losses = trials.flatMap((trial) => trial.trained?.loss ?? []);
  if (losses.length > 0) {
    return {
      kind: 'measured',
      loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
      seeds: losses.length,
      planned: trials.length,
    };
  }
  const ended = (['failed', 'diverged', 'pruned', 'cancelled'] as const).find((state) =>
    trials.some((trial) => trial.state === state),
  );
  return ended ? { kind: 'ended', text: STATE_NAMES[ended] } : { kind: 'waiting' };
}

/** "training 12/40", "loading"; "waits: no node has a free GPU" before it runs. */
export function progressText(trial: Pick<TrialView, 'phase' | 'step' | 'steps' | 'waiting'>): string {
  // Reasons begin with their kind, for programs.
  if (trial.waiting !== null) return `waits: ${trial.waiting.replace(/^[a-z-]+: /, '')}`;
  const phase = (trial.phase ?? 'starting').replace('-', ' ');
  return phase === 'training' && trial.step !== null && trial.steps !== null
    ? `${phase} ${trial.step}/${trial.steps}`
    : phase;
}

/** What a square says to those who cannot see its colour. */
export function trialText(trial: TrialView): string {
  const parts = [`seed ${trial.seed}: ${STATE_NAMES[trial.state]}`];
  if (trial.state === 'running') parts.push(progressText(trial));
  if (trial.trained) parts.push(`loss ${fixed(trial.trained.loss, 3)}`);
  if (trial.attempts > 1) parts.push(plural(trial.attempts, 'attempt'));
  if (trial.message && trial.state !== 'succeeded') parts.push(trial.message);
  return parts.join(', ');
}

function share(trial: TrialView): number {
  return trial.step !== null && trial.steps ? trial.step / trial.steps : 0;
}

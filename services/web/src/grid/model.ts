/** The live matrix: what each cell and each seed's square says. */
import type { CellView, TrialView } from '@lamina/domain/contract/api.ts';
import { keptLayers } from '@lamina/domain/contract/layer-strategies.ts';
import { fixed, plural } from '../format.ts';
import { layoutMatrix, type MatrixPanel, modelName } from '../matrix.ts';
import { STATE_NAMES } from '../ui/state-names.ts';

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

/** `searched`: paths of settings that a search varies; what it suggests for a cell is drawn within that cell. */
export function gridPanels(
  cells: readonly CellView[],
  trials: readonly TrialView[],
  searched: readonly string[] = [],
): readonly MatrixPanel<GridCell>[] {
  const byCell = Map.groupBy(trials, (trial) => trial.cellId);
  const [plain, suggestions] = folded(cells, searched);
  return layoutMatrix(plain, (cell) => ({
    ...cell,
    model: modelName(cell.model),
    depth: keptLayers(cell.layers, null),
  })).map((panel) => ({
    ...panel,
    rows: panel.rows.map((row) => ({
      ...row,
      items: row.items.map((cell) => {
        if (cell === null) return null;
        const own = (byCell.get(cell.id) ?? []).toSorted((a, b) => a.seed - b.seed);
        const further = (suggestions.get(cell.id) ?? []).flatMap(({ id }) => byCell.get(id) ?? []);
        const all = [...own, ...further];
        const running = cellStatus(all);
        return {
          id: cell.id,
          label: cell.label,
          trials: all,
          // Searched values are not further seeds of the cell.
          status: running.kind === 'running' ? running : cellStatus(own),
        };
      }),
    })),
  }));
}

/** Cells without those that differ from an earlier one in searched settings only, and these by that earlier one. */
function folded(
  cells: readonly CellView[],
  searched: readonly string[],
): readonly [readonly CellView[], ReadonlyMap<string, readonly CellView[]>] {
  const groups = Map.groupBy(cells, ({ model, layers, precision, method, parameters }) => {
    const fixedValues = Object.entries(parameters).filter(([path]) => !searched.includes(path));
    return JSON.stringify([model, layers, precision, method, fixedValues.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
  });
  const plain: CellView[] = [];
  const suggestions = new Map<string, readonly CellView[]>();
  for (const [first, ...further] of groups.values()) {
    if (first === undefined) continue;
    plain.push(first);
    suggestions.set(first.id, further);
  }
  return [plain, suggestions];
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
  if (trial.waiting !== null) return `waits: ${trial.waiting.text}`;
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

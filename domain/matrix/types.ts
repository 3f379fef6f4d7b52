import type { LayerChoice, ModelRef, TrialSettings } from '../contract/settings.ts';
import type { Plan } from '../contract/trial.ts';
import type { DropReason } from '../vocabulary/drops.ts';
import type { Method } from '../vocabulary/methods.ts';
import type { Precision } from '../vocabulary/precisions.ts';

export type Scalar = string | number | boolean | null;

/** One point of the matrix without the seed. */
export interface Cell {
  /** Hash of the cell: the same cell has the same id in every experiment. */
  readonly id: string;
  /** What tells it apart from its siblings, for people: "12 layers · nf4-dq · qlora". */
  readonly label: string;
  readonly model: ModelRef;
  readonly layers: LayerChoice;
  readonly precision: Precision;
  readonly method: Method;
  /** Further axes by path, e.g. {"training.learningRate": 1e-4}. */
  readonly parameters: Readonly<Record<string, Scalar>>;
}

/** A cell with one seed. */
export interface PlannedTrial {
  /** Content hash of settings and trainer revision: 64 hex digits. */
  readonly id: string;
  readonly cell: Cell;
  readonly settings: TrialSettings;
}

export interface DroppedCell {
  readonly label: string;
  readonly reason: DropReason;
  /** One sentence for the user. */
  readonly message: string;
}

export interface Expansion {
  readonly trials: readonly PlannedTrial[];
  readonly cells: readonly Cell[];
  /** What the first attempts of a cell run with, by its id. */
  readonly plans: Readonly<Record<string, Plan>>;
  readonly dropped: readonly DroppedCell[];
  /** The cell that deltas are taken against; null where the document's `baseline` matches none. */
  readonly baselineCellId: string | null;
}

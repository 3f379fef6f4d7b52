/** What the comparison is made from: the planned trials of one experiment and what was measured of them. */
import type { TrialResult } from '../contract/result.ts';
import type { Cell, PlannedTrial } from '../matrix/types.ts';
import type { SearchedStudy } from '../search/types.ts';
import type { Objective } from '../vocabulary/comparison.ts';
import type { ExperimentState, TrialState } from '../vocabulary/states.ts';

export interface ComparedTrial {
  readonly trial: PlannedTrial;
  readonly state: TrialState;
  /** The experiment whose measurement was taken over, for state `reused`. */
  readonly reusedFrom: string | null;
  readonly result: TrialResult | null;
  /** What its attempts in this experiment took; absent: as its result says. */
  readonly spent?: Spent | null;
}

export interface Spent {
  /** Wall time of all attempts; 0 where none was started. */
  readonly seconds: number;
  /** Last step that the newest attempt reported; null where none was. */
  readonly steps: number | null;
}

export interface ComparisonInput {
  readonly experimentId: string;
  readonly name: string;
  readonly state: ExperimentState;
  readonly baselineCellId: string | null;
  readonly trials: readonly ComparedTrial[];
  /** Decides which cell is best; `loss` unless given. */
  readonly objective?: Objective;
  /** The best cell must keep these: bytes of peak memory, money for one trial. */
  readonly limits?: { readonly maxMemoryBytes?: number | null; readonly maxCost?: number | null };
  /** Price of a trial's machine for one hour; without it no cost is stated. */
  readonly pricePerHour?: number | null;
  /** Estimated peak of reserved GPU memory by cell, bytes. */
  readonly estimatedBytes?: ReadonlyMap<string, number>;
  /** Studies in the order of their cells, with what they suggested. */
  readonly search?: readonly SearchedStudy[];
  /** What is known of a dataset that a model wrote. */
  readonly generated?: GeneratedData | null;
}

export interface GeneratedData {
  readonly model: string;
  readonly records: number;
  readonly answers: number;
  readonly fingerprint: string | null;
}

/** A trial with a result: run, taken over from an earlier experiment, or run until its loss was not finite. */
export interface MeasuredTrial {
  readonly seed: number;
  readonly reusedFrom: string | null;
  readonly result: TrialResult;
}

/** All trials of one cell, by seed. */
export interface CellGroup {
  readonly cell: Cell;
  readonly trials: readonly ComparedTrial[];
  readonly measured: readonly MeasuredTrial[];
}

/** Groups trials by cell. The outcome does not depend on the order of the trials. */
export function groupByCell(trials: readonly ComparedTrial[]): CellGroup[] {
  const byCell = new Map<string, ComparedTrial[]>();
  for (const trial of trials) {
    const group = byCell.get(trial.trial.cell.id);
    if (group) group.push(trial);
    else byCell.set(trial.trial.cell.id, [trial]);
  }
  const inOrder = [...byCell].sort(([a], [b]) => (a < b ? -1 : 1));
  return inOrder.flatMap(([, group]) => {
    const sorted = group.toSorted(bySeed);
    const cell = sorted[0]?.trial.cell;
    return cell ? [{ cell, trials: sorted, measured: sorted.flatMap(measuredTrial) }] : [];
  });
}

function bySeed(a: ComparedTrial, b: ComparedTrial): number {
  return a.trial.settings.seed - b.trial.settings.seed || (a.trial.id < b.trial.id ? -1 : 1);
}

const MEASURED_STATES: readonly TrialState[] = ['succeeded', 'reused', 'diverged'];

function measuredTrial({ trial, state, reusedFrom, result }: ComparedTrial): MeasuredTrial[] {
  if (result === null || !MEASURED_STATES.includes(state)) return [];
  return [{ seed: trial.settings.seed, reusedFrom, result }];
}

/** Values of the trials of a cell, without those that did not measure it. */
export function valuesOf(
  measured: readonly MeasuredTrial[],
  read: (trial: MeasuredTrial) => number | null | undefined,
): number[] {
  return measured.flatMap((trial) => {
    const value = read(trial);
    return value === null || value === undefined || !Number.isFinite(value) ? [] : [value];
  });
}

/** Pairs of values of two cells with the same seed, where both measured it. */
export function pairsBySeed(
  a: readonly MeasuredTrial[],
  b: readonly MeasuredTrial[],
  read: (trial: MeasuredTrial) => number | null | undefined,
): (readonly [a: number, b: number])[] {
  const others = new Map(b.map((trial) => [trial.seed, trial]));
  return a.flatMap((trial) => {
    const other = others.get(trial.seed);
    const [left] = valuesOf([trial], read);
    const [right] = other ? valuesOf([other], read) : [];
    return left === undefined || right === undefined ? [] : [[left, right] as const];
  });
}

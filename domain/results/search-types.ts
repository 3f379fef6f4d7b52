/** *Search* and *Search against switching*: what searching gained, and what the same hours gained elsewhere. */
import type { SAMPLERS } from '../contract/search.ts';
import type { SearchObjective } from '../spec/search.ts';
import type { Delta } from './estimates.ts';

/** The best of a study after the suggestion that improved it; `hours` are those of all suggestions up to it. */
export interface SearchPoint {
  readonly number: number;
  readonly hours: number;
  readonly best: number;
}

/**
 * One study. Values are of its first objective, in the seed of its suggestions. Gains are improvements over the base
 * cell, positive where better; their interval is that of a difference of two single trials, from how much the seeds of
 * plain cells vary, and null where no plain cell has two seeds.
 */
export interface SearchRow {
  /** The key of the study. */
  readonly cellId: string;
  readonly label: string;
  readonly sampler: (typeof SAMPLERS)[number];
  readonly objective: SearchObjective;
  readonly better: 'lower' | 'higher';
  readonly suggestions: number;
  readonly complete: number;
  readonly pruned: number;
  readonly diverged: number;
  readonly failed: number;
  /** `GPU`: hours times GPUs; `machine`: hours on a CPU. */
  readonly hoursOf: 'GPU' | 'machine';
  /** Hours of suggestions that have ended; trials that were there already count nothing. */
  readonly hours: number | null;
  readonly baseCellId: string;
  readonly base: number | null;
  readonly bestCellId: string | null;
  readonly best: number | null;
  /** "learningRate 0.0003 · r 8". */
  readonly bestParameters: string | null;
  readonly gain: Delta;
  readonly gainPerHour: number | null;
  /** Hours that the steps which pruned trials did not do would have taken. */
  readonly savedHours: number | null;
  readonly curve: readonly SearchPoint[];
}

export const SWITCHES = ['depth', 'precision', 'method', 'model', 'setting', 'anything'] as const;
/** What cells differ from the base in: in one of these alone, or in anything. */
export type Switch = (typeof SWITCHES)[number];

/** A study against the plain cells that differ from its base in one axis, at the hours that both have spent. */
export interface SwitchingRow {
  /** The key of the study and the axis. */
  readonly cellId: string;
  readonly label: string;
  readonly switching: Switch;
  readonly hoursOf: SearchRow['hoursOf'];
  readonly hours: number;
  /** Suggestions that ended within the hours. */
  readonly suggestions: number;
  /** Plain cells that were measured within the hours, in reading order, one trial of each. */
  readonly cells: number;
  readonly searchGain: Delta;
  readonly switchGain: Delta;
  /** The cell that it was. */
  readonly switchedTo: string | null;
  /** By how much searching gained more. */
  readonly difference: Delta;
}

export interface SearchComparison {
  readonly studies: readonly SearchRow[];
  readonly switching: readonly SwitchingRow[];
}

/** Which study suggested a cell, and as which number. */
export interface SuggestedBy {
  readonly study: string;
  readonly number: number;
}

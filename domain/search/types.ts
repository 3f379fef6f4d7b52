/** What a search holds: the studies of an experiment, what each has suggested, and what is seen of those trials. */

import type { TrialResult } from '../contract/result.ts';
import type { AdvanceStudyInput, StudySpec } from '../contract/search.ts';
import type { TrialSettings } from '../contract/settings.ts';
import type { Cell } from '../matrix/types.ts';
import type { TrialState } from '../run/types.ts';

export type Parameters = Readonly<Record<string, string | number | boolean>>;

/** One search of an experiment. It is stored as it is, and says all that its suggestions need to become trials. */
export interface Study {
  /** Unique within the experiment. */
  readonly key: string;
  readonly label: string;
  /** Where suggestions start from: the cell, with its settings, that they change. Its plan becomes theirs. */
  readonly base: { readonly cell: Cell; readonly settings: TrialSettings };
  readonly spec: StudySpec;
  /** What is looked for, one for each direction of `spec`. */
  readonly metrics: readonly string[];
  /** Suggestions in all. */
  readonly trials: number;
  /** Suggestions that may be on the way at once. */
  readonly parallel: number;
  /** Enters the ids of its trials. */
  readonly trainerRevision: string;
}

export const SUGGESTION_STATES = ['asked', 'running', 'complete', 'pruned', 'failed'] as const;
/** `asked`: its trial has not started yet. */
export type SuggestionState = (typeof SUGGESTION_STATES)[number];

export interface Suggestion {
  /** From 0 on, without gaps. */
  readonly number: number;
  readonly parameters: Parameters;
  /** Two suggestions may have the same; null where the parameters make no trial that can run. */
  readonly trialId: string | null;
  readonly state: SuggestionState;
  /** One for each direction; null unless complete. */
  readonly values: readonly number[] | null;
  readonly message: string | null;
  /** Its end is known to the tuner. */
  readonly told: boolean;
  /** The last step whose value the tuner knows; 0: none. */
  readonly reportedStep: number;
}

/** A suggestion's trial, as the store knows it. */
export interface Observation {
  readonly trialId: string;
  readonly state: TrialState;
  readonly message: string | null;
  /** Without its raw samples. */
  readonly result: TrialResult | null;
  /** Losses on the way after `reportedStep`, by step; empty where no pruner looks at them. */
  readonly losses: readonly { readonly step: number; readonly loss: number }[];
}

/** What is to be done for a study now. */
export interface StudyAdvance {
  /** Suggestions that have changed, as they are now, but for `told` and `reportedStep`, which follow the tuner's answer. */
  readonly changed: readonly Suggestion[];
  /** What the tuner is to hear or is asked for; null: nothing. */
  readonly input: AdvanceStudyInput | null;
  /** All suggestions have ended and were told, and no other is wanted. */
  readonly done: boolean;
}

/** What a search consists of. All of it is JSON. A study has suggestions; each suggestion is a trial of some cell. */
import type { StudySpec } from '../contract/search.ts';
import type { SearchObjective } from '../spec/search.ts';

/** Name of the parameter by which a study over the whole matrix chooses a cell, by its id. */
export const CELL_PARAMETER = 'cell';

/** One search: of the settings of one cell, or of settings and cell over the whole matrix. */
export interface Study {
  /** Unique within the experiment, e.g. the id of its cell. */
  readonly key: string;
  /** What people call it: the label of its cell. */
  readonly label: string;
  /** Cells of the matrix that suggestions set the parameters of; several where the study also chooses the cell. */
  readonly cellIds: readonly string[];
  readonly spec: StudySpec;
  /** One per direction of `spec`. */
  readonly objectives: readonly SearchObjective[];
  /** Suggestions to be tried. */
  readonly trials: number;
  /** Suggestions outstanding at once. */
  readonly parallel: number;
}

export type ParameterValues = Readonly<Record<string, string | number | boolean>>;

/** How a suggestion ended. */
export interface SuggestionEnd {
  readonly state: 'complete' | 'pruned' | 'failed';
  /** One per objective; null unless complete. */
  readonly values: readonly number[] | null;
  /** Why it was pruned or failed. */
  readonly message: string | null;
}

/** One suggestion, from the tuner's answer until the tuner knows its end. */
export interface Suggestion {
  /** From 0 on without gaps. */
  readonly number: number;
  readonly parameters: ParameterValues;
  /** Two suggestions may have the same; null where no trial can be made of it, which has failed then. */
  readonly trialId: string | null;
  /** False where a trial of the plain matrix answers it: such a trial is never pruned. */
  readonly own: boolean;
  /** Null while its trial is open. Once set, it does not change, whatever becomes of the trial. */
  readonly end: SuggestionEnd | null;
  /** The tuner has its end. */
  readonly told: boolean;
  /** Last step whose value the tuner has; 0: none. */
  readonly reportedStep: number;
  /** The tuner wants its trial stopped. */
  readonly pruning: boolean;
}

export type SearchedSuggestion = Pick<Suggestion, 'number' | 'parameters' | 'trialId' | 'own' | 'end'>;

/** A study with all that it has suggested, for the comparison. */
export interface SearchedStudy {
  readonly study: Study;
  readonly suggestions: readonly SearchedSuggestion[];
}

/** What is known of the trial of a suggestion. */
export interface Observation {
  readonly trialId: string;
  /** Null while it is open; see `endOf`. */
  readonly end: SuggestionEnd | null;
  /** Training losses of its newest attempt, at least those after `reportedStep`, by step; null: not finite. */
  readonly losses: readonly { readonly step: number; readonly loss: number | null }[];
}

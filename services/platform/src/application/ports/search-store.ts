/** What searches need of the store: studies and their suggestions, and what is seen of the suggestions' trials. */
import type { TrialResult } from '@lamina/domain/contract/result.ts';
import type { Plan } from '@lamina/domain/contract/trial.ts';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { Observation, ParameterValues, SearchedStudy, Study, Suggestion } from '@lamina/domain/search/types.ts';
import type { TrialState } from '@lamina/domain/vocabulary/states.ts';
import type { Page } from './records.ts';

/** `cancelled`: its experiment was cancelled before it was through; `failed`: the tuner refuses it. */
export type StudyState = 'open' | 'closed' | 'cancelled' | 'failed';

export interface StudyRecord {
  readonly study: Study;
  readonly state: StudyState;
  /** Why it failed. */
  readonly message: string | null;
}

export interface SuggestionRecord extends Suggestion {
  readonly studyKey: string;
  /** State of its trial; null where it has none. */
  readonly trialState: TrialState | null;
}

/** A trial, and the plan that its cell's first attempts get. */
export interface TrialWithPlan {
  readonly trial: PlannedTrial;
  readonly plan: Plan;
}

export interface ObservedTrial extends Pick<Observation, 'trialId' | 'losses'> {
  readonly state: TrialState;
  readonly message: string | null;
  /** Without its raw samples. */
  readonly result: TrialResult | null;
}

export interface TimeSpent {
  /** From when each is known to run, else from its start, to its end. */
  readonly seconds: number;
  /** Last step of the newest; null before the first. */
  readonly steps: number | null;
}

export interface AddedSuggestion {
  readonly number: number;
  readonly parameters: ParameterValues;
  /** Its trial, or why there can be none. */
  readonly made: TrialWithPlan | { readonly objection: string };
}

/** What has become of a study. */
export interface StudyProgress {
  /** Suggestions that are there, as they are now. */
  readonly suggestions: readonly Suggestion[];
  readonly added: readonly AddedSuggestion[];
}

export interface SearchStore {
  hasSearch(experimentId: string): Promise<boolean>;
  /** A study of any experiment is open. */
  isSearching(): Promise<boolean>;
  /** In the order of the document. */
  listStudies(experimentId: string): Promise<readonly StudyRecord[]>;
  /** All of one study, by number. */
  suggestionsOf(experimentId: string, studyKey: string): Promise<readonly SuggestionRecord[]>;
  /** Suggestions of all studies or of one, by study and number. */
  listSuggestions(
    experimentId: string,
    query: { readonly limit: number; readonly cursor: string | null; readonly studyKey?: string },
  ): Promise<Page<SuggestionRecord>>;
  /** The trial of each of these cells that suggestions start from: that with its first seed. */
  baseTrials(experimentId: string, cellIds: readonly string[]): Promise<ReadonlyMap<string, TrialWithPlan>>;
  /** All studies with what they suggested. */
  searchedStudies(experimentId: string): Promise<readonly SearchedStudy[]>;
  /** What the attempts of each trial have taken so far, by its id. */
  timeSpent(experimentId: string): Promise<ReadonlyMap<string, TimeSpent>>;
  /** `lossesAfter`: also the losses of its newest attempt after this step; null: none. */
  observeTrials(
    experimentId: string,
    wanted: readonly { readonly trialId: string; readonly lossesAfter: number | null }[],
  ): Promise<readonly ObservedTrial[]>;
  /**
   * One transaction. The first end of a suggestion stays, and what the tuner knows and wants only grows.
   * Each number is added once, together with its trial, which is reused where it was measured before and the experiment
   * was created so. Nothing is added to a study that is not open any more. Answers how many trials were added that have
   * yet to run.
   */
  recordProgress(experimentId: string, studyKey: string, progress: StudyProgress): Promise<number>;
  /** Open studies that are through, or with a `failure`, that cannot go on. */
  closeStudies(experimentId: string, studyKeys: readonly string[], failure?: string): Promise<void>;
}

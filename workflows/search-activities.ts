/** The activities that the search workflow calls; the worker implements them, and each may run more than once. */
import type { AdvanceStudyInput, AdvanceStudyOutput } from '@lamina/domain/contract/search.ts';

export interface Question {
  readonly studyKey: string;
  readonly input: AdvanceStudyInput;
}

/** `failure`: the tuner refuses the study, and would again. */
export type Answer = Question & ({ readonly output: AdvanceStudyOutput } | { readonly failure: string });

export interface SearchStep {
  /** Nothing is left to search. */
  readonly over: boolean;
  readonly questions: readonly Question[];
  /** When to look again if no news come. */
  readonly lookAgainMs: number;
}

export interface SearchActivities {
  /** Keeps what has become of suggestions, has trials stopped that are not worth going on with, and closes what is through. */
  searchStep(experimentId: string): Promise<SearchStep>;
  /** `again`: there is something new already. */
  applySearch(input: {
    readonly experimentId: string;
    readonly answers: readonly Answer[];
  }): Promise<{ readonly again: boolean }>;
}

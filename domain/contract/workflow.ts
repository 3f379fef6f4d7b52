/** Names shared by an experiment's workflow and those that start or signal it. */
export const TASK_QUEUE = 'lamina';
export const EXPERIMENT_WORKFLOW = 'experiment';

export function experimentWorkflowId(experimentId: string): string {
  return `experiment/${experimentId}`;
}

export const SEARCH_WORKFLOW = 'search';

export function searchWorkflowId(experimentId: string): string {
  return `search/${experimentId}`;
}

export const SIGNALS = {
  attemptsEnded: 'attemptsEnded',
  /** Trials that a search finds not worth going on with: `[{ trialId, message }]`. */
  pruneTrials: 'pruneTrials',
  /** To the search: something has changed that may concern it, `{ over }` where it may be over. */
  searchNews: 'searchNews',
} as const;
export const UPDATES = {
  pause: 'pause',
  resume: 'resume',
  cancel: 'cancel',
  /** Trials of the experiment were added or reset in the database: look again. */
  wake: 'wake',
} as const;

/** Version of what starts a workflow; `run/protocol/versions.ts` reads earlier ones. */
export const INPUT_VERSION = 1;

/** What starts an experiment's workflow: its only argument. */
export interface ExperimentInput {
  readonly version: typeof INPUT_VERSION;
  readonly experimentId: string;
}

/** What starts the workflow of an experiment's search: its only argument. */
export interface SearchInput {
  readonly version: typeof INPUT_VERSION;
  readonly experimentId: string;
}

export interface SearchNews {
  /** Whatever it waits for, it need not wait any longer: the experiment has ended or is being cancelled. */
  readonly over: boolean;
}

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
export const QUERIES = { progress: 'progress' } as const;

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

/** What the query `progress` answers. Counts are of this run of the workflow; the store counts the experiment. */
export interface ExperimentProgress {
  readonly status: 'running' | 'paused' | 'cancelling' | 'ended';
  /** Attempts that may be alive. */
  readonly alive: number;
  /** Trials in phase `waiting`: their next attempt waits for its back-off, or for room under `maxParallel`. */
  readonly waiting: number;
  readonly recorded: number;
}

export interface SearchNews {
  /** Whatever it waits for, it need not wait any longer: the experiment has ended or is being cancelled. */
  readonly over: boolean;
}

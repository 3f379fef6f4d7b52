/** Searches and runs of experiments tell each other through Temporal what is new. */
import {
  experimentWorkflowId,
  type SearchNews,
  SIGNALS,
  searchWorkflowId,
  UPDATES,
} from '@lamina/domain/contract/workflow.ts';
import type { PrunedTrial } from '@lamina/domain/run/events.ts';
import { createTemporalExperimentControl } from '@lamina/platform/adapters/temporal/experiment-control.ts';
import type { SearchStore } from '@lamina/platform/application/ports/search-store.ts';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';

/** How long an activity waits for the run to take note. */
const DEADLINE_MS = 10_000;

export interface SearchEngine {
  /** Does nothing where the experiment has no search, or it goes on already. */
  startSearch(experimentId: string): Promise<void>;
  /** Does nothing where the experiment has no search, or it is through. */
  tellSearch(experimentId: string, news: SearchNews): Promise<void>;
  /** Trials were added, or the search is through: a run that goes on looks again. */
  wakeRun(experimentId: string): Promise<void>;
  pruneTrials(experimentId: string, trials: readonly PrunedTrial[]): Promise<void>;
}

export function createSearchEngine(client: Client, store: Pick<SearchStore, 'hasSearch'>): SearchEngine {
  const control = createTemporalExperimentControl(client);
  const run = (experimentId: string) => client.workflow.getHandle(experimentWorkflowId(experimentId));
  return {
    async startSearch(experimentId) {
      if (await store.hasSearch(experimentId)) await control.search(experimentId);
    },
    async tellSearch(experimentId, news) {
      if (!(await store.hasSearch(experimentId))) return;
      await unlessGone(client.workflow.getHandle(searchWorkflowId(experimentId)).signal(SIGNALS.searchNews, news));
    },
    async wakeRun(experimentId) {
      const update = () => run(experimentId).executeUpdate(UPDATES.wake);
      await unlessGone(client.connection.withDeadline(Date.now() + DEADLINE_MS, update));
    },
    async pruneTrials(experimentId, trials) {
      await unlessGone(run(experimentId).signal(SIGNALS.pruneTrials, trials));
    },
  };
}

/** What has no run any more needs no news: its next one looks for itself. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

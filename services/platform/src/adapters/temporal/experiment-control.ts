import {
  EXPERIMENT_WORKFLOW,
  type ExperimentInput,
  experimentWorkflowId,
  INPUT_VERSION,
  SEARCH_WORKFLOW,
  type SearchInput,
  type SearchNews,
  SIGNALS,
  searchWorkflowId,
  TASK_QUEUE,
  UPDATES,
} from '@lamina/domain/contract/workflow.ts';
import { type Client, WithStartWorkflowOperation } from '@temporalio/client';
import pRetry from 'p-retry';
import type { ExperimentControl } from '../../application/ports/control.ts';
import { isPassing, translated } from './errors.ts';

/** How long a request may wait for Temporal, or for a worker to take up an update. */
const DEADLINE_MS = 10_000;

/** Until the deadline. */
const AGAIN = { retries: Number.POSITIVE_INFINITY, minTimeout: 100, maxTimeout: 1_000, factor: 2 } as const;

/** Experiments as Temporal workflows. */
export function createTemporalExperimentControl(client: Client, deadlineMs = DEADLINE_MS): ExperimentControl {
  function workflow(experimentId: string) {
    const input: ExperimentInput = { version: INPUT_VERSION, experimentId };
    return {
      taskQueue: TASK_QUEUE,
      workflowId: experimentWorkflowId(experimentId),
      args: [input] as [ExperimentInput],
      // An ended experiment runs again after a retry or an extension; a running one is left alone.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
      workflowIdConflictPolicy: 'USE_EXISTING' as const,
    };
  }

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + deadlineMs;
    try {
      return await pRetry(() => client.connection.withDeadline(deadline, work), {
        ...AGAIN,
        maxRetryTime: deadlineMs,
        shouldRetry: ({ error }) => isPassing(error),
      });
    } catch (error) {
      throw translated(error);
    }
  }

  async function update(experimentId: string, name: string): Promise<void> {
    await ask(() => client.workflow.getHandle(experimentWorkflowId(experimentId)).executeUpdate(name));
  }

  return {
    async start(experimentId) {
      await ask(() => client.workflow.start(EXPERIMENT_WORKFLOW, workflow(experimentId)));
    },
    pause: (experimentId) => update(experimentId, UPDATES.pause),
    resume: (experimentId) => update(experimentId, UPDATES.resume),
    cancel: (experimentId) => update(experimentId, UPDATES.cancel),
    async wake(experimentId) {
      await ask(() =>
        client.workflow.executeUpdateWithStart(UPDATES.wake, {
          // Each serves once.
          startWorkflowOperation: new WithStartWorkflowOperation(EXPERIMENT_WORKFLOW, workflow(experimentId)),
          args: [],
        }),
      );
    },
    async search(experimentId) {
      const input: SearchInput = { version: INPUT_VERSION, experimentId };
      const news: SearchNews = { over: false };
      await ask(() =>
        // A search that is about to end, and does not know of further studies, looks again.
        client.workflow.signalWithStart(SEARCH_WORKFLOW, {
          taskQueue: TASK_QUEUE,
          workflowId: searchWorkflowId(experimentId),
          args: [input],
          signal: SIGNALS.searchNews,
          signalArgs: [news],
        }),
      );
    },
    async check() {
      await ask(() => client.workflowService.getSystemInfo({}));
    },
  };
}

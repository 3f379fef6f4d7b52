import {
  EXPERIMENT_WORKFLOW,
  type ExperimentInput,
  experimentWorkflowId,
  SEARCH_WORKFLOW,
  type SearchNews,
  SIGNALS,
  searchWorkflowId,
  TASK_QUEUE,
  UPDATES,
} from '@lamina/domain/contract/workflow.ts';
import { type Client, isGrpcServiceError, WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client';
import { ControlUnavailable, type ExperimentControl, ExperimentNotRunning } from '../control.ts';

/** How long a request may wait for Temporal, or for a worker to take up an update. */
const DEADLINE_MS = 10_000;

/** Experiments as Temporal workflows. */
export function createTemporalExperimentControl(client: Client, deadlineMs = DEADLINE_MS): ExperimentControl {
  function workflow(experimentId: string) {
    const input: ExperimentInput = { experimentId };
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
    try {
      return await client.connection.withDeadline(Date.now() + deadlineMs, work);
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
      const operation = new WithStartWorkflowOperation(EXPERIMENT_WORKFLOW, workflow(experimentId));
      await ask(() =>
        client.workflow.executeUpdateWithStart(UPDATES.wake, { startWorkflowOperation: operation, args: [] }),
      );
    },
    async search(experimentId) {
      const input: ExperimentInput = { experimentId };
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

function translated(error: unknown): unknown {
  if (error instanceof WorkflowNotFoundError) {
    return new ExperimentNotRunning('the experiment is not running', { cause: error });
  }
  if (isAway(error)) {
    return new ControlUnavailable('Temporal, or the worker that runs experiments, did not answer in time', {
      cause: error,
    });
  }
  return error;
}

const AWAY_CODES = [1, 4, 14];

/** Cancelled by our deadline, deadline exceeded, or unavailable, at any depth of causes. */
function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'WorkflowUpdateRPCTimeoutOrCancelledError') return true;
  if (isGrpcServiceError(error) && AWAY_CODES.includes(error.code)) return true;
  return isAway(error.cause);
}

/** Ends that the runner reports become one signal per experiment. */
import type { JobRunner } from '@lamina/domain/contract/runner.ts';
import { experimentWorkflowId, SIGNALS } from '@lamina/domain/contract/workflow.ts';
import type { EndedAttempt } from '@lamina/domain/run/events.ts';
import { hasEnded } from '@lamina/domain/vocabulary/states.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { WorkerLog } from './log.ts';
import { endedOf, withoutRecorded } from './recorded.ts';

/** Keeps a signal's payload far below Temporal's limits. */
const MAX_ENDED = 200;
const MAX_MESSAGE = 1000;

export interface WatchDependencies {
  readonly runner: JobRunner;
  readonly client: Client;
  readonly store: Pick<ExperimentStore, 'getExperiment' | 'getAttempts'>;
  readonly log: WorkerLog;
}

export function watchRunner({ runner, client, store, log }: WatchDependencies): Promise<{ close(): Promise<void> }> {
  return runner.watch(async (ended) => {
    const { observations, recorded } = await withoutRecorded({ store, runner }, ended);
    await Promise.all([...new Set(recorded.map(({ experimentId }) => experimentId))].map(clearIfOver));
    const signals = [...Map.groupBy(observations, (one) => one.experimentId)].flatMap(([experimentId, group]) =>
      chunks(group.flatMap(endedOf).map(shortened), MAX_ENDED).map((chunk) => ({ experimentId, chunk })),
    );
    // A failed signal fails the batch, and the runner brings it again.
    await Promise.all(signals.map(({ experimentId, chunk }) => signal(experimentId, chunk)));
  });

  async function signal(experimentId: string, attempts: readonly EndedAttempt[]): Promise<void> {
    try {
      await client.workflow.getHandle(experimentWorkflowId(experimentId)).signal(SIGNALS.attemptsEnded, attempts);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      log.info({ experimentId, attempts: attempts.length }, 'attempts of an experiment that has no run have ended');
      await clearIfOver(experimentId);
    }
  }

  /** The worker that ended it may have been killed before it could do that. */
  async function clearIfOver(experimentId: string): Promise<void> {
    const experiment = await store.getExperiment(experimentId);
    if (experiment !== null && hasEnded(experiment.state)) await runner.clear(experimentId);
  }
}

function shortened({ end, ...ended }: EndedAttempt): EndedAttempt {
  return { ...ended, end: { ...end, message: end.message.slice(0, MAX_MESSAGE) } };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** Around every activity: the experiment says that it is blocked while one fails again and again, and not after. */
import { BLOCKED_AFTER_FAILURES } from '@lamina/platform/application/blocked.ts';
import { UnknownExperiment } from '@lamina/platform/application/ports/errors.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import type { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { typed } from '../final-errors.ts';
import type { WorkerLog } from '../log.ts';
import { blockedBy, clearedBy, type Owner, ownerOf, type Try } from './decide.ts';

export interface BlockedDependencies {
  readonly store: Pick<ExperimentStore, 'markBlocked' | 'clearBlocked'>;
  readonly log: WorkerLog;
  /** Experiments whose mark could not be written, because the store is away as well. */
  readonly unwritten: Set<string>;
}

export function blockedInterceptor(deps: BlockedDependencies): ActivityInterceptorsFactory {
  return (context) => ({
    inbound: {
      async execute(input, next) {
        const owner = ownerOf(context.info.workflowExecution?.workflowId);
        if (owner === null) return next(input);
        const output = await next(input).catch((error: unknown) => fail(deps, owner, context, typed(error)));
        // It has succeeded only once nobody reads that it fails: where that cannot be written, it is tried again.
        await succeed(deps, owner, tryOf(context));
        return output;
      },
    },
  });
}

/** Fails with what Temporal is to know. @throws always */
async function fail(deps: BlockedDependencies, owner: Owner, context: Context, error: unknown): Promise<never> {
  // The worker closes, or was given up for dead: another one has the activity by now.
  if (error instanceof CancelledFailure || context.cancellationSignal.aborted) throw error;
  const at = tryOf(context);
  const failing = blockedBy(at, error);
  if (failing === null) throw error;
  const { store, log, unwritten } = deps;
  const { experimentId } = owner;
  const about = { experimentId, activity: at.activity, attempt: at.attempt };
  if (!failing.retrying) log.error({ ...about, err: error }, 'an activity can never succeed and is given up');
  else if (at.attempt === BLOCKED_AFTER_FAILURES) log.error({ ...about, err: error }, 'an experiment is blocked');
  try {
    await store.markBlocked(experimentId, at.activity, failing);
    unwritten.delete(experimentId);
  } catch (problem) {
    if (problem instanceof UnknownExperiment) throw error;
    unwritten.add(experimentId);
    log.warn({ ...about, err: problem }, 'that an experiment is blocked could not be stored');
    // What ends a run is read of in the experiment first: until it can be, the activity is tried again.
    if (!failing.retrying) throw problem;
  }
  throw error;
}

async function succeed({ store, log, unwritten }: BlockedDependencies, owner: Owner, at: Try): Promise<void> {
  const cleared = clearedBy(at, owner);
  if (cleared.length === 0) return;
  const { experimentId } = owner;
  await store.clearBlocked(experimentId, cleared);
  unwritten.delete(experimentId);
  const { activity, attempt } = at;
  if (attempt > BLOCKED_AFTER_FAILURES) log.info({ experimentId, activity, attempt }, 'an experiment goes on again');
}

function tryOf({ info }: Context): Try {
  const { activityType: activity, activityId, attempt, scheduledTimestampMs: scheduledMs } = info;
  return { activity, activityId, attempt, scheduledMs };
}

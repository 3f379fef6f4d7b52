/** The experiment workflow's activities: closures over what they need. Each may run again, and then changes nothing. */
import { type AttemptKey, attemptRef } from '@lamina/domain/contract/attempt.ts';
import type { AttemptObservation } from '@lamina/domain/contract/runner.ts';
import type { DispatchResult, EndedAttempt } from '@lamina/domain/run/events.ts';
import { finalState } from '@lamina/domain/run/finish.ts';
import { preparationPolicy } from '@lamina/domain/run/preparation.ts';
import type { ExperimentRecord, ExperimentStore } from '@lamina/platform/store.ts';
import type { AdvanceInput, BegunRun, ExperimentActivities } from '@lamina/workflows/activities.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { finalError } from './final-errors.ts';
import { createLauncher } from './launch.ts';
import { createObserver } from './observe.ts';
import { createPreparationAdvance } from './preparation.ts';
import { createRecorder } from './record.ts';

export function createExperimentActivities(deps: ActivityDependencies): ExperimentActivities {
  const { store, runner, search, log } = deps;
  const record = createRecorder(deps);
  const launch = createLauncher(deps);
  const observe = createObserver(deps, Date.now());

  async function stopAlive(experimentId: string, graceSeconds: number): Promise<void> {
    const alive = (await runner.list(experimentId)).filter((one) => one.state !== 'ended');
    if (alive.length === 0) return;
    log.warn({ experimentId, attempts: alive.map((one) => one.attemptId) }, 'stopping attempts that no run owns');
    await runner.stop(alive, graceSeconds);
  }

  return {
    async begin(experimentId): Promise<BegunRun> {
      const { policy, state } = await existing(store, experimentId);
      await stopAlive(experimentId, policy.graceSeconds);
      await store.beginRun(experimentId);
      await search.startSearch(experimentId);
      const isPreparing = (await store.beginPreparation(experimentId)) !== null;
      const run = isPreparing ? { policy: preparationPolicy(policy), preparing: true } : { policy };
      if (state === 'paused' || state === 'cancelling') return { ...run, status: state };
      await store.setExperimentState(experimentId, 'running');
      return { ...run, status: 'running' };
    },

    prepare: createPreparationAdvance(deps),

    async advance({ experimentId, commands, deadlineSeconds, graceSeconds }: AdvanceInput): Promise<DispatchResult> {
      const refs = (keys: readonly AttemptKey[]) => keys.map((key) => attemptRef(experimentId, key));
      if (commands.setState !== null) await store.setExperimentState(experimentId, commands.setState);
      const refused = await record(experimentId, commands.records);
      if (commands.stops.length > 0) await runner.stop(refs(commands.stops), graceSeconds);
      if (commands.cancelPending) await store.cancelPending(experimentId);
      const { claimed, observations } = await launch(experimentId, commands, { deadlineSeconds, graceSeconds });
      const seen = commands.reconcile ? await observe(experimentId) : null;
      let finished: DispatchResult['finished'] = null;
      if (commands.finish !== null) {
        await stopAlive(experimentId, graceSeconds);
        finished = await finish(store, experimentId, commands.finish.cancelling);
        if (finished !== null) await runner.clear(experimentId);
      }
      if (commands.setState !== null || commands.records.length > 0 || finished !== null) {
        await search.tellSearch(experimentId, { over: commands.setState === 'cancelling' || finished !== null });
      }
      return { refused, ended: endedOf(observations), claimed, seen, finished };
    },
  };
}

async function existing(store: ExperimentStore, experimentId: string): Promise<ExperimentRecord> {
  const experiment = await store.getExperiment(experimentId);
  if (experiment === null) throw finalError('UnknownExperiment', `experiment ${experimentId} is not in the store`);
  return experiment;
}

async function finish(
  store: ExperimentStore,
  experimentId: string,
  cancelling: boolean,
): Promise<DispatchResult['finished']> {
  const all = finalState((await existing(store, experimentId)).counts, cancelling);
  const final = all !== null && cancelling && (await wasCutShort(store, experimentId)) ? 'cancelled' : all;
  if (final === null) {
    // The run owns nothing any more: trials that an activity which was given up for dead took are free again.
    await store.beginRun(experimentId);
    return null;
  }
  await store.setExperimentState(experimentId, final);
  // The store refuses a terminal state where trials were added in between.
  return (await existing(store, experimentId)).state === final ? final : null;
}

/** A search that was cancelled while no trial was open. */
async function wasCutShort(store: ExperimentStore, experimentId: string): Promise<boolean> {
  return (await store.listStudies(experimentId)).some(({ state }) => state === 'cancelled');
}

function endedOf(observations: readonly AttemptObservation[]): EndedAttempt[] {
  return observations.flatMap(({ trialId, attempt, end }) => (end === null ? [] : [{ trialId, attempt, end }]));
}

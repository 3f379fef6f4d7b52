/** The trials of an experiment, as the work of its run. */
import type { TrialResult } from '@lamina/domain/contract/result.ts';
import type { RecordOrder } from '@lamina/domain/run/commands.ts';
import type { DispatchResult } from '@lamina/domain/run/events.ts';
import { finalState } from '@lamina/domain/run/finish.ts';
import { applyHint } from '@lamina/domain/run/hints.ts';
import type { ExperimentRecord, ExperimentStore, TrialEnd } from '@lamina/platform/application/ports/store.ts';
import type { Recorded, Work } from './advance.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { finalError } from './final-errors.ts';
import { trialRequest } from './requests.ts';

export function createTrialWork(deps: ActivityDependencies): Work {
  const { store, runner } = deps;
  return {
    async claim(experimentId, { batch, limit, hints }) {
      const claimed = await store.claimTrials(experimentId, batch, limit);
      return claimed.map((one) => ({ ...one, plan: applyHint(one.plan, hints[one.likeKey]) }));
    },
    async requests(experimentId, orders) {
      const trials = await store.getTrials(
        experimentId,
        orders.map((order) => order.trialId),
      );
      const settings = new Map(trials.map((one) => [one.trialId, one.trial.settings]));
      return orders.map(({ plan, ...ref }) => {
        const of = settings.get(ref.trialId);
        if (of === undefined)
          throw finalError('UnknownTrial', `trial ${ref.trialId} is not in experiment ${experimentId}`);
        return trialRequest(deps, ref, plan, of);
      });
    },
    start: (_experimentId, attempts) => store.startAttempts(attempts),
    refuse: async () => null,
    async record(experimentId, recorded) {
      await store.recordOutcomes(experimentId, recorded.flatMap(outcomeOf));
      for (const { order } of recorded) await failAlike(store, experimentId, order);
    },
    async cancelPending(experimentId) {
      await store.cancelPending(experimentId);
    },
    async finish(experimentId, { cancelling, graceSeconds }) {
      await stopAlive(deps, experimentId, graceSeconds);
      const finished = await finish(store, experimentId, cancelling);
      if (finished !== null) await runner.clear(experimentId);
      return finished;
    },
  };
}

/** What is wrong with a model or a dataset is wrong for every trial that shares it: those that wait are not started. */
async function failAlike(store: ExperimentStore, experimentId: string, order: RecordOrder): Promise<void> {
  const { trialId, state, end } = order;
  if (state !== 'failed' || end?.subject === undefined) return;
  const { subject, message } = end;
  const sharing = new Set(await store.failAlike(experimentId, { trialId, subject, message }));
  const studies = await store.listStudies(experimentId);
  const hopeless = studies.filter(({ study }) => study.cellIds.every((cellId) => sharing.has(cellId)));
  await store.closeStudies(
    experimentId,
    hopeless.map(({ study }) => study.key),
    message,
  );
}

/** The result says whether training diverged; a runner that only saw the exit code may not know. */
function outcomeOf({ order: { trialId, state, message }, result: found }: Recorded): TrialEnd[] {
  if (state === null) return [];
  const result = found as TrialResult | null;
  if (result?.status !== 'diverged') return [{ trialId, state, message, result }];
  const why = message ?? `the loss is not finite from step ${result.divergedAtStep ?? 'unknown'} on`;
  return [{ trialId, state: 'diverged', message: why, result }];
}

/** Stops what runs for an experiment although its run knows nothing of it. */
export async function stopAlive(
  { runner, log }: Pick<ActivityDependencies, 'runner' | 'log'>,
  experimentId: string,
  graceSeconds: number,
): Promise<void> {
  const alive = (await runner.list(experimentId)).filter((one) => one.state !== 'ended');
  if (alive.length === 0) return;
  log.warn({ experimentId, attempts: alive.map((one) => one.attemptId) }, 'stopping attempts that no run owns');
  await runner.stop(alive, graceSeconds);
}

export async function existing(store: ExperimentStore, experimentId: string): Promise<ExperimentRecord> {
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

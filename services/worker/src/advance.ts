/** Executes one batch of a run's commands: the same way for trials and for the generation of their dataset. */
import { type AttemptKey, type AttemptRef, attemptRef, refOf } from '@lamina/domain/contract/attempt.ts';
import { type AttemptResult, judgeResult, RESULT_FILE } from '@lamina/domain/contract/attempt-result.ts';
import type { AttemptLaunch, AttemptObservation, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import type { Plan } from '@lamina/domain/contract/trial.ts';
import type { ClaimOrder, LaunchOrder, RecordOrder } from '@lamina/domain/run/commands.ts';
import type { ClaimedAttempt, DispatchResult } from '@lamina/domain/run/events.ts';
import { attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import { attemptToken } from '@lamina/platform/application/tokens.ts';
import type { AdvanceInput } from '@lamina/workflows/activities.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { Observer } from './observe.ts';
import { endedOf } from './recorded.ts';

/** An order whose outcome is to be kept, with what its attempt has left behind. */
export interface Recorded {
  readonly order: RecordOrder;
  /** Null where it has not ended well. */
  readonly result: AttemptResult | null;
}

/** What a run works on: all that differs between trials and the generation of a dataset. */
export interface Work {
  claim(experimentId: string, order: ClaimOrder): Promise<readonly ClaimedAttempt[]>;
  /** What the attempts of these orders are asked for, in the same order. */
  requests(experimentId: string, orders: readonly (AttemptRef & LaunchOrder)[]): Promise<readonly AttemptRequest[]>;
  /** They are about to be launched: their first events may come before the launch returns. */
  start(experimentId: string, attempts: readonly (AttemptRef & { readonly plan: Plan })[]): Promise<void>;
  /** Why a valid result cannot be used all the same; null where it can. */
  refuse(result: AttemptResult): Promise<string | null>;
  record(experimentId: string, recorded: readonly Recorded[]): Promise<void>;
  cancelPending(experimentId: string): Promise<void>;
  /** What the run ended as; null where something is open. */
  finish(
    experimentId: string,
    how: { readonly cancelling: boolean; readonly graceSeconds: number },
  ): Promise<DispatchResult['finished']>;
}

export function createAdvance(
  deps: ActivityDependencies,
  work: Work,
  observe: Observer,
): (input: AdvanceInput) => Promise<DispatchResult> {
  const { store, runner, artifacts, secret, attemptEnded } = deps;

  async function record(experimentId: string, orders: readonly RecordOrder[]): Promise<DispatchResult['refused']> {
    if (orders.length === 0) return [];
    const judged = await Promise.all(orders.map((order) => judge(experimentId, order)));
    const news = await store.endAttempts(
      judged.flatMap(({ order: { end, state, ...key }, unusable }) => {
        const { attemptId } = attemptRef(experimentId, key);
        if (end === null) return [];
        // Whether another attempt follows one whose success is unusable, the run decides next.
        const last = state !== null;
        const crashed = { ...end, outcome: 'crashed' as const, message: unusable ?? '' };
        return [{ attemptId, end: unusable === null ? end : crashed, last }];
      }),
    );
    for (const { outcome } of news) attemptEnded?.(outcome);
    await work.record(
      experimentId,
      judged.filter(({ unusable }) => unusable === null),
    );
    await runner.forget(
      named(
        experimentId,
        orders.filter(({ end }) => end !== null),
      ),
    );
    return judged.flatMap(({ order: { trialId, attempt }, unusable }) =>
      unusable === null ? [] : [{ trialId, attempt, message: unusable }],
    );
  }

  /** `unusable`: why the result of a success cannot be used; null where it can. `refused` in what histories hold. */
  async function judge(
    experimentId: string,
    order: RecordOrder,
  ): Promise<Recorded & { readonly unusable: string | null }> {
    if (order.state !== 'succeeded' && order.state !== 'diverged') return { order, result: null, unusable: null };
    const ref = attemptRef(experimentId, order);
    const judged = judgeResult(await artifacts.read(`${attemptFolder(ref)}/${RESULT_FILE}`), ref);
    const problem = 'problem' in judged ? judged.problem : await work.refuse(judged.result);
    const unusable = problem === null ? null : `The trainer ended as if all was well, but ${problem}.`;
    return { order, result: 'result' in judged ? judged.result : null, unusable };
  }

  async function launch(
    experimentId: string,
    orders: readonly LaunchOrder[],
    limits: Pick<AttemptLaunch, 'deadlineSeconds' | 'graceSeconds'>,
  ): Promise<readonly AttemptObservation[]> {
    if (orders.length === 0) return [];
    const planned = orders.map((order) => ({ ...attemptRef(experimentId, order), plan: order.plan }));
    const requests = await work.requests(experimentId, planned);
    await work.start(experimentId, planned);
    const attempts = requests.map((request) => {
      return { ...refOf(request), ...limits, token: attemptToken(secret, request.attemptId), request };
    });
    const observations = await runner.launch(attempts);
    await store.noteAttempts(experimentId, observations.filter(waits));
    return observations;
  }

  return async ({ experimentId, commands, deadlineSeconds, graceSeconds }) => {
    if (commands.setState !== null) await store.setExperimentState(experimentId, commands.setState);
    const refused = await record(experimentId, commands.records);
    if (commands.stops.length > 0) await runner.stop(named(experimentId, commands.stops), graceSeconds);
    if (commands.cancelPending) await work.cancelPending(experimentId);
    const claimed = commands.claim === null ? [] : await work.claim(experimentId, commands.claim);
    const limits = { deadlineSeconds, graceSeconds };
    const observations = await launch(experimentId, [...commands.launches, ...claimed], limits);
    const seen = commands.reconcile ? await observe(experimentId) : null;
    const finished =
      commands.finish === null
        ? null
        : await work.finish(experimentId, { cancelling: commands.finish.cancelling, graceSeconds });
    return { refused, ended: observations.flatMap(endedOf), claimed, seen, finished };
  };
}

function named(experimentId: string, keys: readonly AttemptKey[]): AttemptRef[] {
  return keys.map((key) => attemptRef(experimentId, key));
}

/** Worth showing at once: it waits for more than its start. `starting` comes with the next look (`observe.ts`), if it lasts. */
function waits({ state, reason }: AttemptObservation): boolean {
  return state === 'pending' && reason !== null && reason.kind !== 'starting';
}

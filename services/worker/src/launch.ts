/** Claims pending trials and launches attempts. */
import { attemptRef, refOf } from '@lamina/domain/contract/attempt.ts';
import type { AttemptLaunch, AttemptObservation } from '@lamina/domain/contract/runner.ts';
import { type TrialSettings } from '@lamina/domain/contract/settings.ts';
import { CONTRACT_VERSION } from '@lamina/domain/contract/units.ts';
import type { ClaimOrder, LaunchOrder, RunCommands } from '@lamina/domain/run/commands.ts';
import type { ClaimedAttempt } from '@lamina/domain/run/events.ts';
import { applyHint } from '@lamina/domain/run/hints.ts';
import { attemptFolder, trialKey } from '@lamina/platform/artifacts.ts';
import type { ExperimentStore } from '@lamina/platform/store.ts';
import { attemptToken } from '@lamina/platform/tokens.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { finalError } from './final-errors.ts';
import type { TrialPaths } from './trial-paths.ts';

interface Limits {
  readonly deadlineSeconds: number | null;
  readonly graceSeconds: number;
}

interface Launched {
  readonly claimed: readonly ClaimedAttempt[];
  readonly observations: readonly AttemptObservation[];
}

type Launcher = (
  experimentId: string,
  commands: Pick<RunCommands, 'launches' | 'claim'>,
  limits: Limits,
) => Promise<Launched>;

export function createLauncher(deps: ActivityDependencies): Launcher {
  const { store, runner } = deps;
  return async (experimentId, { launches, claim }, limits) => {
    const claimed = claim === null ? [] : await claimTrials(store, experimentId, claim);
    const orders: LaunchOrder[] = [...launches, ...claimed];
    if (orders.length === 0) return { claimed, observations: [] };
    const trials = await store.getTrials(
      experimentId,
      orders.map((order) => order.trialId),
    );
    const settings = new Map(trials.map((one) => [one.trialId, one.trial.settings]));
    const attempts = orders.map((order) => {
      const of = settings.get(order.trialId);
      if (of === undefined)
        throw finalError('UnknownTrial', `trial ${order.trialId} is not in experiment ${experimentId}`);
      return toLaunch(deps, experimentId, order, of, limits);
    });
    await store.startAttempts(attempts.map((one) => ({ ...refOf(one), plan: one.request.plan })));
    const observations = await runner.launch(attempts);
    await store.noteAttempts(experimentId, observations.filter(waits));
    return { claimed, observations };
  };
}

/** For longer than a start takes. */
function waits({ state, reason }: AttemptObservation): boolean {
  return state === 'pending' && reason !== null && reason.kind !== 'starting';
}

async function claimTrials(
  store: ExperimentStore,
  experimentId: string,
  { batch, limit, hints }: ClaimOrder,
): Promise<ClaimedAttempt[]> {
  const claimed = await store.claimTrials(experimentId, batch, limit);
  return claimed.map(({ trialId, attempt, likeKey, plan }) => {
    return { trialId, attempt, likeKey, plan: applyHint(plan, hints[likeKey]) };
  });
}

function toLaunch(
  { trialPaths, secret, eventsBaseUrl }: ActivityDependencies,
  experimentId: string,
  { plan, ...key }: LaunchOrder,
  settings: TrialSettings,
  limits: Limits,
): AttemptLaunch {
  const ref = attemptRef(experimentId, key);
  const { trialId, attempt, attemptId } = ref;
  return {
    ...ref,
    ...limits,
    token: attemptToken(secret, attemptId),
    request: {
      contract: CONTRACT_VERSION,
      ...ref,
      settings: whereTrialsSeeIt(settings, trialPaths),
      plan,
      resume: attempt > 1,
      paths: {
        output: trialPaths.artifact(attemptFolder(ref)),
        checkpoints: trialPaths.artifact(`${trialKey(experimentId, trialId)}/checkpoints`),
        cache: trialPaths.cache,
      },
      eventsUrl: eventsBaseUrl === null ? null : `${eventsBaseUrl.replace(/\/+$/, '')}/v1/attempts/${attemptId}/events`,
    },
  };
}

function whereTrialsSeeIt(settings: TrialSettings, { input }: TrialPaths): TrialSettings {
  const { model, dataset, evaluation } = settings;
  const { tasks } = evaluation;
  const seen = <T extends { readonly path: string }>(file: T): T => ({ ...file, path: input(file.path) });
  return {
    ...settings,
    model: model.source === 'hf' ? model : { ...model, path: input(model.path) },
    dataset: dataset.source === 'hf' ? dataset : { ...dataset, path: input(dataset.path) },
    evaluation: {
      ...evaluation,
      tasks: tasks && { ...tasks, files: tasks.files.map((file) => ({ ...seen(file), data: file.data.map(seen) })) },
    },
  };
}

/** The run of a preparation: the same commands as of an experiment's run, for the one thing that there is to do. */
import { type AttemptKey, attemptRef, refOf } from '@lamina/domain/contract/attempt.ts';
import {
  API_KEY_VARIABLE,
  DATASET_TRIAL,
  type GenerateRequest,
  type GenerationResult,
  type GenerationSpec,
  generationResult,
} from '@lamina/domain/contract/generation.ts';
import type { AttemptLaunch, AttemptObservation } from '@lamina/domain/contract/runner.ts';
import { CONTRACT_VERSION } from '@lamina/domain/contract/units.ts';
import type { LaunchOrder, RecordOrder } from '@lamina/domain/run/commands.ts';
import type { ClaimedAttempt, DispatchResult } from '@lamina/domain/run/events.ts';
import { applyHint } from '@lamina/domain/run/hints.ts';
import { attemptFolder } from '@lamina/platform/artifacts.ts';
import type { PreparationRecord, PreparedDataset } from '@lamina/platform/preparation-store.ts';
import { InvalidDocument } from '@lamina/platform/submission/invalid-document.ts';
import { plannedOf } from '@lamina/platform/submission/planned.ts';
import { attemptToken } from '@lamina/platform/tokens.ts';
import type { AdvanceInput } from '@lamina/workflows/activities.ts';
import { z } from 'zod';
import type { ActivityDependencies } from './dependencies.ts';
import { finalError } from './final-errors.ts';
import { createObserver } from './observe.ts';
import type { TrialPaths } from './trial-paths.ts';

/** Keys of the artifact store: data sets by their content, and the answers that were paid for. */
const DATASETS = 'datasets';
const ANSWERS = 'generated';

/** Executes one batch of commands. */
export function createPreparationAdvance(deps: ActivityDependencies): (input: AdvanceInput) => Promise<DispatchResult> {
  const { store, runner } = deps;
  const observe = createObserver(deps, Date.now());

  return async ({ experimentId, commands, deadlineSeconds, graceSeconds }) => {
    const named = (keys: readonly AttemptKey[]) => keys.map((key) => attemptRef(experimentId, key));
    if (commands.setState !== null) await store.setExperimentState(experimentId, commands.setState);
    const refused = await record(deps, experimentId, commands.records);
    await runner.forget(named(commands.records.filter(({ end }) => end !== null)));
    if (commands.stops.length > 0) await runner.stop(named(commands.stops), graceSeconds);
    if (commands.cancelPending) await cancelOpen(deps, experimentId);
    const claimed = await claim(deps, experimentId, commands);
    const orders = [...commands.launches, ...claimed];
    const observations = await launch(deps, experimentId, orders, { deadlineSeconds, graceSeconds });
    const seen = commands.reconcile ? await observe(experimentId) : null;
    const finished = commands.finish === null ? null : await store.endPreparation(experimentId);
    const ended = observations.flatMap(({ trialId, attempt, end }) =>
      end === null ? [] : [{ trialId, attempt, end }],
    );
    return { refused, ended, claimed, seen, finished };
  };
}

/** What waits is cancelled; what is alive is stopped by the run itself. */
async function cancelOpen({ store }: ActivityDependencies, experimentId: string): Promise<void> {
  const found = await store.getPreparation(experimentId);
  if (found?.state === 'pending' || found?.state === 'retrying') {
    await store.movePreparation(experimentId, { state: 'cancelled', message: 'cancelled before it ran' });
  }
}

async function claim(
  { store }: ActivityDependencies,
  experimentId: string,
  commands: AdvanceInput['commands'],
): Promise<readonly ClaimedAttempt[]> {
  if (commands.claim === null) return [];
  const { batch, hints } = commands.claim;
  const claimed = await store.claimPreparation(experimentId, batch);
  return claimed === null ? [] : [{ ...claimed, plan: applyHint(claimed.plan, hints[claimed.likeKey]) }];
}

async function launch(
  deps: ActivityDependencies,
  experimentId: string,
  orders: readonly LaunchOrder[],
  limits: Pick<AttemptLaunch, 'deadlineSeconds' | 'graceSeconds'>,
): Promise<readonly AttemptObservation[]> {
  const [order] = orders;
  if (order === undefined) return [];
  const found = await deps.store.getPreparation(experimentId);
  if (found === null) throw finalError('UnknownPreparation', `experiment ${experimentId} has no preparation`);
  const attempt = { ...toLaunch(deps, found, order), ...limits };
  await deps.store.startAttempts([{ ...refOf(attempt), plan: order.plan }]);
  await deps.store.movePreparation(experimentId, { state: 'running', attempts: order.attempt });
  const observations = await deps.runner.launch([attempt]);
  await deps.store.noteAttempts(experimentId, observations);
  return observations;
}

function toLaunch(
  { trialPaths, secret, eventsBaseUrl }: ActivityDependencies,
  { experimentId, spec }: PreparationRecord,
  { plan, ...key }: LaunchOrder,
): Omit<AttemptLaunch<GenerateRequest>, 'deadlineSeconds' | 'graceSeconds'> {
  const ref = attemptRef(experimentId, key);
  const request: GenerateRequest = {
    contract: CONTRACT_VERSION,
    kind: 'generate',
    ...ref,
    spec: whereItRuns(spec, trialPaths),
    plan,
    paths: {
      output: trialPaths.artifact(attemptFolder(ref)),
      checkpoints: trialPaths.artifact(ANSWERS),
      cache: trialPaths.cache,
      datasets: trialPaths.artifact(DATASETS),
    },
    eventsUrl:
      eventsBaseUrl === null ? null : `${eventsBaseUrl.replace(/\/+$/, '')}/v1/attempts/${ref.attemptId}/events`,
  };
  return { ...ref, token: attemptToken(secret, ref.attemptId), request };
}

/** Files by the paths that attempts see, and the key of a Secret in the variable that pods get it in. */
function whereItRuns(spec: GenerationSpec, { input }: TrialPaths): GenerationSpec {
  const { prompts, endpoint, contamination } = spec;
  const key = endpoint.apiKeySecret === null ? {} : { apiKeyVariable: API_KEY_VARIABLE };
  return {
    ...spec,
    prompts: prompts.source === 'file' ? { ...prompts, path: input(prompts.path) } : prompts,
    endpoint: endpoint.gguf === null ? { ...endpoint, ...key } : { ...endpoint, gguf: input(endpoint.gguf) },
    contamination: {
      ...contamination,
      files: contamination.files.map((file) => ({ ...file, path: input(file.path) })),
    },
  };
}

async function record(
  deps: ActivityDependencies,
  experimentId: string,
  orders: readonly RecordOrder[],
): Promise<DispatchResult['refused']> {
  const refused: { trialId: string; attempt: number; message: string }[] = [];
  for (const order of orders) {
    const { trialId, attempt, end, state } = order;
    const found = state === 'succeeded' ? await resultOf(deps, experimentId, order) : null;
    const refusal = typeof found === 'string' ? found : null;
    if (end !== null) {
      const told = refusal === null ? end : { ...end, outcome: 'crashed' as const, message: refusal };
      await deps.store.endAttempts([{ attemptId: attemptRef(experimentId, order).attemptId, end: told }]);
    }
    if (refusal !== null) refused.push({ trialId, attempt, message: refusal });
    else if (found !== null && typeof found !== 'string') await complete(deps, experimentId, found);
    else if (state === null)
      await deps.store.movePreparation(experimentId, { state: 'retrying', message: order.message });
    else {
      const outcome = state === 'cancelled' ? 'cancelled' : 'failed';
      await deps.store.movePreparation(experimentId, { state: outcome, message: order.message });
    }
  }
  return refused;
}

/** The data of a generation that has ended well, or why they cannot be used. */
async function resultOf(
  { artifacts }: ActivityDependencies,
  experimentId: string,
  order: RecordOrder,
): Promise<PreparedDatasetFile | string> {
  const ref = attemptRef(experimentId, order);
  const content = await artifacts.read(`${attemptFolder(ref)}/result.json`);
  if (content === null) return 'the generation succeeded without writing result.json';
  const result = parseResult(content);
  if (typeof result === 'string') return `result.json is not valid: ${result}`;
  if (result.attemptId !== ref.attemptId || ref.trialId !== DATASET_TRIAL)
    return `result.json is of another attempt, ${result.attemptId}`;
  const key = `${DATASETS}/${result.dataset.path}`;
  const stored = await artifacts.readFrom(key, 0, 0);
  const path = artifacts.localPath(key);
  if (stored === null || path === null) return `${key} is not in the artifact store`;
  if (stored.size !== result.dataset.bytes) return `${key} has ${stored.size} bytes, not ${result.dataset.bytes}`;
  return { path, result };
}

interface PreparedDatasetFile {
  readonly path: string;
  readonly result: GenerationResult;
}

function parseResult(content: Uint8Array): GenerationResult | string {
  try {
    const parsed = generationResult.safeParse(JSON.parse(new TextDecoder().decode(content)));
    return parsed.success ? parsed.data : z.prettifyError(parsed.error);
  } catch (error) {
    return (error as Error).message;
  }
}

/** The document names the data from now on, and the trials follow from it. */
async function complete(
  { store, plan, log }: ActivityDependencies,
  experimentId: string,
  { path, result }: PreparedDatasetFile,
): Promise<void> {
  const [experiment, preparation] = await Promise.all([
    store.getExperiment(experimentId),
    store.getPreparation(experimentId),
  ]);
  if (experiment === null || preparation === null || preparation.state === 'succeeded') return;
  const dataset: PreparedDataset['dataset'] = {
    source: 'file',
    path,
    format: 'jsonl',
    fields: preparation.spec.fields,
    fingerprint: result.dataset.sha256,
  };
  try {
    const planned = plannedOf(await plan({ ...(experiment.document as object), dataset }), experimentId);
    await store.completePreparation(experimentId, { dataset, report: result.report }, planned);
    log.info({ experimentId, records: result.dataset.records, trials: planned.trials.length }, 'the dataset is there');
  } catch (error) {
    if (!(error instanceof InvalidDocument)) throw error;
    const message = error.issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ');
    await store.movePreparation(experimentId, { state: 'failed', message });
  }
}

import type {
  AttemptRecord,
  ExperimentRecord,
  ExperimentStore,
  TrialRecord,
} from '@lamina/platform/application/ports/store.ts';
import { z } from 'zod';
import { ApiError } from '../errors.ts';

export const byId = z.object({ id: z.string().max(200) });
export const byTrial = byId.extend({ trialId: z.string().max(200) });

/** @throws ApiError experiment-not-found */
export async function findExperiment(store: ExperimentStore, id: string): Promise<ExperimentRecord> {
  const experiment = await store.getExperiment(id);
  if (experiment === null) throw new ApiError('experiment-not-found', `there is no experiment ${id}`);
  return experiment;
}

/** @throws ApiError experiment-not-found, trial-not-found */
export async function findTrial(store: ExperimentStore, id: string, trialId: string): Promise<TrialRecord> {
  const [trial] = await store.getTrials(id, [trialId]);
  if (trial !== undefined) return trial;
  await findExperiment(store, id);
  throw new ApiError('trial-not-found', `experiment ${id} has no trial ${trialId}`);
}

/** @throws ApiError attempt-not-found */
export async function findAttempt(store: ExperimentStore, id: string): Promise<AttemptRecord> {
  const attempt = await store.getAttempt(id);
  if (attempt === null) throw new ApiError('attempt-not-found', `there is no attempt ${id}`);
  return attempt;
}

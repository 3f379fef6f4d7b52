/** What choosing plans needs of the store: peaks that were measured on GPUs, and plans that worked. */
import type { Plan } from '@lamina/domain/contract/trial.ts';
import type { MeasuredTrialOnGpu } from '@lamina/domain/memory/learned.ts';

export interface FitStore {
  /** One trial of each cell of the newest experiments that measured memory on one GPU, at most `limit` in all. */
  measuredOnGpus(limit: number): Promise<readonly MeasuredTrialOnGpu[]>;
  /** By cell of the experiment: the plan that it was measured with, where a trial of it was. */
  measuredPlans(experimentId: string): Promise<ReadonlyMap<string, Plan>>;
  /** By like key, in any experiment: the newest plan that a trial succeeded with after it had run out of memory. */
  plansThatWorked(likeKeys: readonly string[]): Promise<ReadonlyMap<string, Plan>>;
}

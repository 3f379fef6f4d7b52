/** What choosing plans needs of the store: peaks that were measured on GPUs, and plans that worked. */
import type { Plan, TrialResult, TrialSettings } from '@lamina/domain/contract/trial.ts';

/** The last successful attempt of a cell on one GPU. */
export interface MeasuredOnGpu {
  readonly settings: Omit<TrialSettings, 'seed'>;
  readonly plan: Plan;
  /** Product that the driver names. */
  readonly device: string;
  /** `peakAllocatedBytes` is measured. */
  readonly memory: TrialResult['memory'] & { readonly peakAllocatedBytes: number };
}

export interface FitStore {
  /** One trial of each cell of the newest experiments that measured memory on a GPU, at most `limit` in all. */
  measuredOnGpus(limit: number): Promise<readonly MeasuredOnGpu[]>;
  /** By cell of the experiment: the plan that it was measured with, where a trial of it was. */
  measuredPlans(experimentId: string): Promise<ReadonlyMap<string, Plan>>;
  /** By like key, in any experiment: the newest plan that a trial succeeded with after it had run out of memory. */
  plansThatWorked(likeKeys: readonly string[]): Promise<ReadonlyMap<string, Plan>>;
}

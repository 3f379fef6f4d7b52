/** What the store keeps of experiments that do not go on. */
import type { BlockedActivities, BlockedActivity } from '@lamina/domain/contract/blocked.ts';

export interface BlockedExperiment {
  readonly experimentId: string;
  readonly blocked: BlockedActivities;
}

export interface BlockedStore {
  /**
   * Keeps that an activity of the experiment fails. The moment since when it does stays the first one, listeners are
   * told once, and an experiment that is over is never blocked.
   *
   * @throws UnknownExperiment
   */
  markBlocked(experimentId: string, activity: string, failing: BlockedActivity): Promise<void>;
  /** These activities do not fail any more; costs one look where none was marked. */
  clearBlocked(experimentId: string, activities: readonly string[]): Promise<void>;
  /** Experiments that are blocked now. */
  listBlocked(): Promise<readonly BlockedExperiment[]>;
}

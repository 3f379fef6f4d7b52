/** What the experiment workflow's activities are closures over. */
import type { AttemptEnd, JobRunner } from '@lamina/domain/contract/runner.ts';
import type { ArtifactStore } from '@lamina/platform/application/ports/artifacts.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import type { Prepared } from '@lamina/platform/application/submission/prepare.ts';
import type { WorkerLog } from './log.ts';
import type { SearchEngine } from './search/engine.ts';
import type { TrialPaths } from './trial-paths.ts';

export interface ActivityDependencies {
  readonly store: ExperimentStore;
  readonly artifacts: ArtifactStore;
  readonly runner: JobRunner;
  /** Key that attempt tokens are derived from. */
  readonly secret: string;
  /** Where trainers reach the API, e.g. `http://127.0.0.1:7070`; null: they post no events. */
  readonly eventsBaseUrl: string | null;
  readonly trialPaths: TrialPaths;
  /** Plans a stored document again, once its dataset is there. @throws InvalidDocument */
  readonly plan: (document: object) => Promise<Prepared>;
  readonly search: Pick<SearchEngine, 'startSearch' | 'tellSearch'>;
  /** Told once of each attempt whose end is recorded. */
  readonly attemptEnded?: (outcome: AttemptEnd['outcome']) => void;
  readonly log: WorkerLog;
}

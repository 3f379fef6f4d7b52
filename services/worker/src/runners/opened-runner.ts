import type { GpuInventorySource } from '@lamina/domain/contract/gpus.ts';
import type { JobRunner } from '@lamina/domain/contract/runner.ts';
import type { RunnerFacts } from '@lamina/platform/application/ports/runner-facts.ts';
import type { TrialPaths } from '../trial-paths.ts';

/** An open runner, with what the rest must know of where its trials run. */
export interface OpenRunner {
  readonly runner: JobRunner;
  readonly inventory: GpuInventorySource;
  readonly runnerFacts: RunnerFacts;
  readonly trialPaths: TrialPaths;
  /** Requests to the cluster so far, by verb and resource; null where there is none. */
  readonly requests: (() => ReadonlyMap<string, number>) | null;
  /** `graceSeconds`: for trials that cannot outlive this process to save a checkpoint. */
  close(graceSeconds: number): Promise<void>;
}

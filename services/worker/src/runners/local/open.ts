import type { ArtifactStore } from '@lamina/platform/application/ports/artifacts.ts';
import type { WorkerLog } from '../../log.ts';
import { localTrialPaths } from '../../trial-paths.ts';
import type { OpenRunner } from '../opened-runner.ts';
import { localInventory } from './inventory.ts';
import { createLocalRunner } from './local-runner.ts';
import { askTrainer, createTrainerLauncher, type LocalTrainer, trainerEnvironment } from './trainer.ts';

export interface OpenLocalOptions {
  readonly trainer: LocalTrainer;
  /** For sockets and logs of the warm trainer. */
  readonly dataDirectory: string;
  readonly artifacts: ArtifactStore;
  /** Its folder. */
  readonly artifactRoot: string;
  /** Inherited by trials, less our own settings. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Pick<WorkerLog, 'info' | 'warn'>;
}

/** Trials as processes of this machine. */
export async function openLocalRunner(options: OpenLocalOptions): Promise<OpenRunner> {
  const { trainer, dataDirectory, artifacts, artifactRoot, log } = options;
  const env = trainerEnvironment(trainer, options.env);
  const { revision, device } = await askTrainer(trainer, env);
  const launcher = createTrainerLauncher(trainer, env, revision, dataDirectory);
  const runner = createLocalRunner({ root: artifactRoot, launcher, log, variables: options.env });
  return {
    runner,
    inventory: { gpus: async () => localInventory(runner.name, device, new Date()) },
    runnerFacts: { runner: runner.name, trainerRevision: revision, device, mounts: null },
    trialPaths: localTrialPaths(artifacts, trainer.cache),
    requests: null,
    async close(graceSeconds) {
      await runner.shutdown(graceSeconds);
      await runner.close();
      await launcher.close();
    },
  };
}

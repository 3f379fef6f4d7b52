import { processNeed } from '@lamina/domain/devices/need.ts';
import type { ArtifactStore } from '@lamina/platform/application/ports/artifacts.ts';
import { createShapes } from '@lamina/platform/application/submission/shapes.ts';
import type { WorkerLog } from '../../log.ts';
import { localTrialPaths } from '../../trial-paths.ts';
import type { OpenRunner } from '../opened-runner.ts';
import { createGpuDesk, type DeviceStore } from './gpu-desk.ts';
import { createGpuListing } from './gpu-listing.ts';
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
  /** Where it is remembered which GPUs are set aside; asked for only on a machine with GPUs. */
  readonly deviceStore: () => Promise<DeviceStore>;
  /** Folder of the hub's local cache, for the shapes of hub models; not looked at without it. */
  readonly hubCache: string | null;
  readonly log: Pick<WorkerLog, 'info' | 'warn'>;
}

/** Trials as processes of this machine, each with GPUs of its own where there are some. */
export async function openLocalRunner(options: OpenLocalOptions): Promise<OpenRunner> {
  const { trainer, dataDirectory, artifacts, artifactRoot, log } = options;
  const env = trainerEnvironment(trainer, options.env);
  const listing = createGpuListing(trainer, env);
  const [{ revision, device }, found] = await Promise.all([askTrainer(trainer, env), listing.look()]).finally(() =>
    listing.close(),
  );
  const { gpus, problem } = found;
  if (problem !== null) log.warn({ problem }, 'GPUs that this machine may have cannot be used: trials run on its CPU');
  const shapes = createShapes(options.hubCache);
  const desk =
    gpus.length === 0
      ? null
      : createGpuDesk({
          look: listing.look,
          found,
          store: options.deviceStore,
          needOf: async (request) =>
            'kind' in request ? null : processNeed(request, await shapes.of(request.settings.model)),
          log,
        });
  const launcher = createTrainerLauncher(trainer, env, revision, dataDirectory);
  const runner = createLocalRunner({ root: artifactRoot, launcher, log, desk, variables: options.env });
  const devices = gpus.length === 0 ? {} : { devices: gpus.length };
  return {
    runner,
    inventory: { gpus: () => localInventory(runner.name, { device, desk, problem }, runner.holders()) },
    runnerFacts: { runner: runner.name, trainerRevision: revision, device, ...devices, mounts: null },
    trialPaths: localTrialPaths(artifacts, trainer.cache),
    requests: null,
    async close(graceSeconds) {
      await runner.shutdown(graceSeconds);
      await runner.close();
      await launcher.close();
      listing.close();
    },
  };
}

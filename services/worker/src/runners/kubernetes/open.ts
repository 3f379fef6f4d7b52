import { KubeConfig } from '@kubernetes/client-node';
import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';
import { createClusterClient } from '@lamina/k8s/client/client.ts';
import type { AttemptFiles } from '@lamina/k8s/runner/files.ts';
import { createKubernetesRunner } from '@lamina/k8s/runner/kubernetes-runner.ts';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { type ArtifactStore, attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import { InvalidConfig } from '@lamina/platform/process/config.ts';
import type { WorkerLog } from '../../log.ts';
import { mountedTrialPaths } from '../../trial-paths.ts';
import type { OpenRunner } from '../opened-runner.ts';
import { cacheOf, mountsOf } from './mounts.ts';

export interface OpenKubernetesOptions {
  readonly settings: KubernetesSettings;
  /** File; null: KUBECONFIG, else ~/.kube/config, else the service account of the pod this runs in. */
  readonly kubeconfig: string | null;
  readonly artifacts: ArtifactStore;
  /** The artifact store's folder as this process sees it. */
  readonly artifactRoot: string;
  readonly trainerRevision: string;
  /** Tells this worker from others of the installation. */
  readonly identity: string;
  readonly log: WorkerLog;
}

/** Trials as Jobs of a cluster. They go on without this process. */
export function openKubernetesRunner(options: OpenKubernetesOptions): OpenRunner {
  const { settings, artifacts, artifactRoot, trainerRevision, identity, log } = options;
  const client = createClusterClient(kubeConfigOf(options.kubeconfig), settings, log);
  const runner = createKubernetesRunner({ client, settings, artifacts: attemptFiles(artifacts), log, identity });
  const mounts = mountsOf(settings, artifactRoot);
  return {
    runner,
    inventory: runner,
    runnerFacts: { runner: runner.name, trainerRevision, device: null, mounts },
    trialPaths: mountedTrialPaths(settings.artifacts.mountPath, cacheOf(settings), mounts),
    requests: () => client.requests,
    async close() {
      await runner.close();
      await client.close();
    },
  };
}

/** What the client falls back to. */
const NOWHERE = 'http://localhost:8080';

function kubeConfigOf(file: string | null): KubeConfig {
  const config = new KubeConfig();
  try {
    if (file === null) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw new InvalidConfig(`the kubeconfig cannot be read: ${(error as Error).message}`);
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined || (file === null && server === NOWHERE)) {
    throw new InvalidConfig('no cluster is named: give --kubeconfig FILE, set KUBECONFIG, or run inside the cluster');
  }
  return config;
}

function attemptFiles(artifacts: ArtifactStore): AttemptFiles {
  const key = (ref: AttemptRef, name: string): string => `${attemptFolder(ref)}/${name}`;
  return {
    read: (ref, name) => artifacts.read(key(ref, name)),
    has: async (ref, name) => (await artifacts.readFrom(key(ref, name), 0, 0)) !== null,
    write: (ref, name, content) => artifacts.write(key(ref, name), content),
  };
}

/** One of the runners, by its settings. */
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import type { ArtifactStore } from '@lamina/platform/application/ports/artifacts.ts';
import type { WorkerLog } from '../log.ts';
import { openKubernetesRunner } from './kubernetes/open.ts';
import type { DeviceStore } from './local/gpu-desk.ts';
import { openLocalRunner } from './local/open.ts';
import type { LocalTrainer } from './local/trainer.ts';
import type { OpenRunner } from './opened-runner.ts';

export type RunnerSettings =
  | { readonly kind: 'local'; readonly trainer: LocalTrainer }
  | {
      readonly kind: 'kubernetes';
      readonly cluster: KubernetesSettings;
      /** File; null: KUBECONFIG, else ~/.kube/config, else the service account of the pod this runs in. */
      readonly kubeconfig: string | null;
      readonly trainerRevision: string;
    };

export interface RunnerContext {
  readonly artifacts: ArtifactStore;
  /** Its folder. */
  readonly artifactRoot: string;
  /** For sockets and logs of the warm trainer. */
  readonly dataDirectory: string;
  /** Tells this worker from others of the installation. */
  readonly identity: string;
  /** Inherited by local trials, less our own settings. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a local runner remembers which GPUs are set aside. */
  readonly deviceStore: () => Promise<DeviceStore>;
  /** Folder of the hub's local cache; null: there is none. */
  readonly hubCache: string | null;
  readonly log: WorkerLog;
}

export async function openRunner(settings: RunnerSettings, context: RunnerContext): Promise<OpenRunner> {
  if (settings.kind === 'local') return openLocalRunner({ ...context, trainer: settings.trainer });
  const { cluster, kubeconfig, trainerRevision } = settings;
  return openKubernetesRunner({ ...context, settings: cluster, kubeconfig, trainerRevision });
}

/** Folders and settings with which the real trainer runs in pods of the test cluster. */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@lamina/platform/process/free-port.ts';
import { type Cluster, trainerInPods } from './cluster.ts';

export interface PodSettings {
  readonly namespace: string;
  /** Folder of the artifact store, which pods may write. */
  readonly artifacts: string;
  /** Folder that pods keep converted weights and tokens in. */
  readonly cache: string;
  /** What the services get as their environment. */
  readonly environment: {
    readonly LAMINA_RUNNER: 'kubernetes';
    readonly LAMINA_CLUSTER: string;
    readonly LAMINA_KUBECONFIG: string;
    readonly LAMINA_ARTIFACTS: string;
    readonly LAMINA_INTAKE_HOST: string;
    readonly LAMINA_INTAKE_PORT: string;
  };
  remove(): Promise<void>;
}

/** A namespace and a folder of its own; everything goes with `remove`. */
export async function podSettings(cluster: Cluster): Promise<PodSettings> {
  const namespace = `lamina-test-${randomUUID().slice(0, 8)}`;
  const shared = mkdtempSync(join(tmpdir(), 'lamina-pods-'));
  const artifacts = join(shared, 'artifacts');
  const cache = join(shared, 'cache');
  for (const folder of [artifacts, cache]) {
    mkdirSync(folder);
    // Pods run as a user of their own.
    chmodSync(folder, 0o777);
  }
  const port = await freePort(cluster.hostAddress);
  const file = join(shared, 'cluster.json');
  writeFileSync(
    file,
    JSON.stringify({
      namespace,
      ...trainerInPods(),
      artifacts: { source: { hostPath: artifacts } },
      cache: { source: { hostPath: cache } },
      cpu: '500m',
      eventsUrl: `http://${cluster.hostAddress}:${port}`,
    }),
  );
  await cluster.kubectl(['create', 'namespace', namespace]);
  return {
    namespace,
    artifacts,
    cache,
    environment: {
      LAMINA_RUNNER: 'kubernetes',
      LAMINA_CLUSTER: file,
      LAMINA_KUBECONFIG: cluster.kubeconfig,
      LAMINA_ARTIFACTS: artifacts,
      LAMINA_INTAKE_HOST: cluster.hostAddress,
      LAMINA_INTAKE_PORT: String(port),
    },
    async remove() {
      await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
      rmSync(shared, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
  };
}

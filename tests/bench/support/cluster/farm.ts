/** The fake GPU farm that benchmarks run on: hundreds of nodes in the test cluster that exist in the API alone. */
import { KubeConfig } from '@kubernetes/client-node';
import { type ClusterClient, createClusterClient } from '@lamina/k8s/client/client.ts';
import { type KubernetesSettings, kubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { controllerManager } from '../../../cluster/control-plane.ts';
import { start, stop } from '../../../cluster/processes.ts';
import type { Cluster } from '../../../support/cluster.ts';
import { quiet } from '../../../support/kubernetes-runner.ts';

/** With so many nodes the renewal of their leases would be measured too: it is made rare, and nobody minds. */
const MANY_NODES = 50;
const LEASE_SECONDS = 1_200;
const NODE_GRACE_SECONDS = 3_600;

export async function openFarm(cluster: Cluster, nodes: number): Promise<{ close(): Promise<void> }> {
  const many = nodes > MANY_NODES;
  const patient = [...controllerManager.command, `--node-monitor-grace-period=${NODE_GRACE_SECONDS}s`];
  await cluster.kwok.stop();
  if (many) await control(patient);
  await cluster.kwok.start(many ? LEASE_SECONDS : undefined);
  await cluster.kwok.addNodes(nodes);
  return {
    async close() {
      await cluster.kwok.stop();
      if (many) await control(controllerManager.command);
    },
  };
}

async function control(command: readonly string[]): Promise<void> {
  await stop(controllerManager.name);
  await start({ ...controllerManager, command });
}

/** A namespace of its own; Jobs in it run on the farm. */
export async function openNamespace(cluster: Cluster, name: string): Promise<{ close(): Promise<void> }> {
  await cluster.kubectl(['create', 'namespace', name]);
  return {
    async close() {
      const all = ['-n', name, '--all', '--wait=false', '--cascade=background'];
      await cluster.kubectl(['delete', 'jobs', ...all]);
      await cluster.kubectl(['delete', 'namespace', name, '--timeout=300s']);
    },
  };
}

/** How Lamina is told to use the farm; the bare loop creates the same Jobs from it. */
export function farmSettings(
  cluster: Cluster,
  namespace: string,
  artifactRoot: string,
  queue: string | null,
): KubernetesSettings {
  return kubernetesSettings.parse({
    namespace,
    instance: namespace,
    image: cluster.images.busybox,
    imagePullPolicy: 'Never',
    artifacts: { source: { hostPath: artifactRoot }, mountPath: artifactRoot },
    nodeSelector: cluster.kwok.selector,
    tolerations: [cluster.kwok.toleration],
    queue,
    requestsPerSecond: 500,
  });
}

export function farmClient(kubeconfig: string, settings: KubernetesSettings): ClusterClient {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return createClusterClient(config, settings, quiet);
}

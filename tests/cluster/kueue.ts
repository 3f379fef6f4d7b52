/**
 * Kueue next to the cluster rather than in it, without webhooks: it manages Jobs that are created suspended and carry its
 * queue label.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binary } from './build.ts';
import { apply, kubectl, kubectlJson } from './kubectl.ts';
import { CONTROL, machineFolder, paths } from './layout.ts';
import { pidOf, start, stop } from './processes.ts';
import { run, until } from './shell.ts';

const folder = join(machineFolder(CONTROL.name), 'kueue');
const HEALTH_PORT = 18_081;
const API = '/apis/kueue.x-k8s.io/v1beta2';

export async function startKueue(): Promise<void> {
  if (pidOf('kueue') !== null) return;
  const definitions = readdirSync(binary('kueue-crds')).map((file) => join(binary('kueue-crds'), file));
  await kubectl(['apply', '--server-side', '--force-conflicts', ...definitions.flatMap((file) => ['-f', file])]);
  // It ends where its kinds cannot be discovered yet.
  await until('kinds of Kueue', 60, async () => (await kubectl(['get', '--raw', API])).includes('"workloads/status"'));

  // The certificate's folder is fixed; /etc/kueue belongs to the control machine alone.
  const certificates = join(machineFolder(CONTROL.name), 'etc/kueue/metrics/certs');
  for (const each of [folder, certificates]) mkdirSync(each, { recursive: true });
  const [key, certificate] = [join(certificates, 'tls.key'), join(certificates, 'tls.crt')];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=kueue'];
  await run('openssl', [...request, '-keyout', key, '-out', certificate]);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configuration(certificates)));
  await kubectl(['create', 'namespace', 'kueue-system']).catch(() => undefined);
  await start({
    name: 'kueue',
    machine: CONTROL.name,
    command: [binary('kueue'), `--config=${join(folder, 'config.json')}`, '--feature-gates=VisibilityOnDemand=false'],
    env: { KUBECONFIG: paths.kubeconfig },
  });
  await until('Kueue', 60, async () => (await fetch(`http://${CONTROL.address}:${HEALTH_PORT}/readyz`)).ok, 300);
}

/** Objects that wait for Kueue to let them go are let go, or their namespaces would never end. */
export async function stopKueue(): Promise<void> {
  if (pidOf('kueue') === null) return;
  await stop('kueue');
  for (const kind of ['workloads', 'clusterqueues', 'resourceflavors']) {
    const { items } = await kubectlJson<{ items: Held[] }>('get', `${kind}.kueue.x-k8s.io`, '--all-namespaces');
    for (const { metadata } of items.filter(({ metadata: { finalizers = [] } }) => finalizers.length > 0)) {
      const place = metadata.namespace === undefined ? [] : ['-n', metadata.namespace];
      const patch = ['--type=merge', '-p', '{"metadata":{"finalizers":null}}'];
      await kubectl([...place, 'patch', `${kind}.kueue.x-k8s.io`, metadata.name, ...patch]);
    }
  }
}

interface Held {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly finalizers?: readonly string[] };
}

function configuration(certificates: string): unknown {
  return {
    apiVersion: 'config.kueue.x-k8s.io/v1beta2',
    kind: 'Configuration',
    namespace: 'kueue-system',
    health: { healthProbeBindAddress: `:${HEALTH_PORT}` },
    metrics: { bindAddress: ':18082' },
    webhook: { port: 19_443, certDir: certificates },
    leaderElection: { leaderElect: false },
    internalCertManagement: { enable: false },
    manageJobsWithoutQueueName: false,
    integrations: { frameworks: ['batch/job'] },
    clientConnection: { qps: 500, burst: 1000 },
  };
}

/** A LocalQueue of that name in the namespace, which may use so many GPUs, with a ClusterQueue and flavor of its own. */
export async function addQueue(namespace: string, name: string, gpus: number, selector: Labels = {}): Promise<void> {
  const shared = `${namespace}-${name}`;
  const quotas = { cpu: '100k', memory: '1000Ti', 'nvidia.com/gpu': String(gpus) };
  const resources = Object.entries(quotas).map(([resource, nominalQuota]) => ({ name: resource, nominalQuota }));
  await apply(
    {
      apiVersion: 'kueue.x-k8s.io/v1beta2',
      kind: 'ResourceFlavor',
      metadata: { name: shared },
      spec: Object.keys(selector).length === 0 ? {} : { nodeLabels: selector },
    },
    {
      apiVersion: 'kueue.x-k8s.io/v1beta2',
      kind: 'ClusterQueue',
      metadata: { name: shared },
      spec: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        resourceGroups: [{ coveredResources: Object.keys(quotas), flavors: [{ name: shared, resources }] }],
      },
    },
    {
      apiVersion: 'kueue.x-k8s.io/v1beta2',
      kind: 'LocalQueue',
      metadata: { name, namespace },
      spec: { clusterQueue: shared },
    },
  );
}

type Labels = Readonly<Record<string, string>>;

export async function removeQueue(namespace: string, name: string): Promise<void> {
  const shared = `${namespace}-${name}`;
  await kubectl(['delete', 'localqueue', name, '-n', namespace, '--ignore-not-found', '--wait=false']);
  await kubectl(['delete', 'clusterqueue', shared, '--ignore-not-found', '--wait=false']);
  await kubectl(['delete', 'resourceflavor', shared, '--ignore-not-found', '--wait=false']);
}

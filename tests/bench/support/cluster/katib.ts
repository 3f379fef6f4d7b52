/**
 * Katib 0.19 on the farm: its controller, its database manager on Postgres and its goptuna suggestion service, built from
 * their Go module. Two things are stood in for, both in Katib's favour: pods are fake, so what its metrics collector would
 * report is written into its database when a trial is created; and the suggestion service runs next to the cluster, not in
 * the pod that Katib starts for it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Job, V1ObjectMeta } from '@kubernetes/client-node';
import type { Resource } from '@lamina/k8s/client/resources.ts';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import pg from 'pg';
import { binary, buildKatib } from '../../../cluster/build.ts';
import { CONTROL, machineFolder, NETWORK } from '../../../cluster/layout.ts';
import { logFile, start, stop } from '../../../cluster/processes.ts';
import { run, type Say, until } from '../../../cluster/shell.ts';
import type { Cluster } from '../../../support/cluster.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { type Figures, manifestsFor } from './bare.ts';
import { farmClient } from './farm.ts';

const SYSTEM = 'kubeflow';
const ALGORITHM = 'random';
const METRIC = 'accuracy';
const DATABASE_PORT = 16_789;
const folder = join(machineFolder(CONTROL.name), 'katib');

interface Trial {
  metadata?: V1ObjectMeta;
}
const TRIALS: Resource<Trial> = { base: '/apis/kubeflow.org/v1beta1', plural: 'trials', namespaced: true };

export interface KatibFigures extends Figures {
  /** Asked for; `jobs` says how many ended in the time there was. */
  readonly asked: number;
}

export interface KatibOptions {
  readonly cluster: Cluster;
  readonly settings: KubernetesSettings;
  readonly trials: number;
  readonly parallel: number;
  /** It gets no more time than this. */
  readonly withinSeconds: number;
  readonly say: Say;
}

export async function katib(options: KatibOptions): Promise<KatibFigures> {
  const { cluster, settings, trials, parallel, withinSeconds, say } = options;
  await buildKatib(say);
  const postgres = await startPostgres();
  const url = new URL(await postgres.createDatabase('katib'));
  const database = spawn(binary('katib-db-manager'), [`--listen-address=${NETWORK.host}:${DATABASE_PORT}`], {
    env: {
      DB_NAME: 'postgres',
      DB_USER: url.username,
      // Where it is empty, its driver takes the next word for it.
      DB_PASSWORD: 'unused',
      KATIB_POSTGRESQL_DB_HOST: url.hostname,
      KATIB_POSTGRESQL_DB_PORT: url.port,
    },
    stdio: ['ignore', openSync(logFile('katib-db-manager'), 'a'), openSync(logFile('katib-db-manager'), 'a')],
  });
  let reporter: { close(): Promise<void> } | null = null;
  try {
    reporter = await reportMetrics(cluster, settings, url.href);
    await startController(cluster, settings.namespace);
    const from = performance.now();
    await cluster.apply(experiment(settings, trials, parallel));
    const done = async (): Promise<number> => succeeded(cluster, settings.namespace);
    await until('Katib', withinSeconds, async () => (await done()) >= trials, 500).catch(() => undefined);
    const [jobs, seconds] = [await done(), (performance.now() - from) / 1000];
    return { asked: trials, jobs, seconds, jobsPerSecond: jobs / seconds, requestsPerJob: null };
  } finally {
    const all = ['-n', settings.namespace, '--all', '--timeout=300s'];
    for (const kind of ['experiments', 'trials']) await cluster.kubectl(['delete', kind, ...all]).catch(() => '');
    await stop('katib-controller');
    await stop('katib-goptuna');
    await reporter?.close();
    database.kill();
    await postgres.stop();
    await forget(cluster, settings.namespace);
  }
}

async function startController(cluster: Cluster, namespace: string): Promise<void> {
  mkdirSync(join(folder, 'certificates'), { recursive: true });
  const definitions = readdirSync(binary('katib-crds')).map((file) => join(binary('katib-crds'), file));
  await cluster.kubectl(['apply', '--server-side', ...definitions.flatMap((file) => ['-f', file])]);
  const suggestion = { algorithmName: ALGORITHM, image: cluster.images.busybox, imagePullPolicy: 'Never' };
  const kind = { apiVersion: 'config.kubeflow.org/v1beta1', kind: 'KatibConfig' };
  const init = { controller: { enableGRPCProbeInSuggestion: false, trialResources: ['Job.v1.batch'] } };
  const runtime = { suggestions: [{ ...suggestion, command: ['sleep', '86400'] }], metricsCollectors: [] };
  const config = JSON.stringify({ ...kind, init, runtime });
  writeFileSync(join(folder, 'katib-config.yaml'), config);
  await cluster.apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'katib-config', namespace: SYSTEM },
      data: { 'katib-config.yaml': config },
    },
  );
  const [key, certificate] = ['tls.key', 'tls.crt'].map((file) => join(folder, 'certificates', file)) as [
    string,
    string,
  ];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=katib'];
  await run('openssl', [...request, '-keyout', key, '-out', certificate]);
  // There is no DNS: these are the names that it looks for, and all other questions are refused at once.
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\noptions attempts:1 timeout:1\n');
  const names = [
    `${NETWORK.host} katib-db-manager.${SYSTEM}`,
    `${CONTROL.address} farm-${ALGORITHM}.${namespace}`,
    '127.0.0.1 localhost',
  ];
  writeFileSync(join(folder, 'hosts'), `${names.join('\n')}\n`);
  const script = [
    'set -e',
    `mount --bind ${folder}/hosts /etc/hosts`,
    `mount --bind ${folder}/resolv.conf /etc/resolv.conf`,
    'mkdir -p /tmp/cert',
    `mount --bind ${folder}/certificates /tmp/cert`,
    `exec ${binary('katib-controller')} --katib-config=${folder}/katib-config.yaml`,
  ];
  await start({ name: 'katib-goptuna', machine: CONTROL.name, command: [binary('katib-goptuna')] });
  await start({
    name: 'katib-controller',
    machine: CONTROL.name,
    command: ['unshare', '--mount', 'bash', '-c', script.join('\n')],
    env: { KUBECONFIG: cluster.kubeconfig, KATIB_DB_MANAGER_SERVICE_PORT: String(DATABASE_PORT) },
  });
  await until('controller of Katib', 60, async () => (await fetch(`http://${CONTROL.address}:18080/readyz`)).ok);
}

/** What each trial's metrics collector would report. */
async function reportMetrics(cluster: Cluster, settings: KubernetesSettings, url: string) {
  const definitions = readdirSync(binary('katib-crds')).map((file) => join(binary('katib-crds'), file));
  await cluster.kubectl(['apply', '--server-side', ...definitions.flatMap((file) => ['-f', file])]);
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/trials.kubeflow.org', '--timeout=60s']);
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
  await until('database of Katib', 60, () => pool.query('SELECT 1 FROM observation_logs').then(() => true));
  const client = farmClient(cluster.kubeconfig, settings);
  const closing = new AbortController();
  const watching = (async () => {
    const { resourceVersion } = await client.list(TRIALS, {});
    for await (const { type, object } of client.watch(TRIALS, {}, resourceVersion, closing.signal)) {
      if (type !== 'ADDED') continue;
      const values = [object.metadata?.name, new Date().toISOString(), METRIC, Math.random().toFixed(6)];
      const insert = 'INSERT INTO observation_logs (trial_name, time, metric_name, value) VALUES ($1, $2, $3, $4)';
      await pool.query(insert, values);
    }
  })().catch((error: unknown) => {
    if (!closing.signal.aborted) throw error;
  });
  return {
    async close() {
      closing.abort();
      await watching;
      await client.close();
      await pool.end();
    },
  };
}

/** As its admission webhook would complete it. */
function experiment(settings: KubernetesSettings, trials: number, parallel: number): object {
  const [job] = manifestsFor(1, settings) as [V1Job];
  const conditions = (type: string): string => `status.conditions.#(type=="${type}")#|#(status=="True")#`;
  return {
    apiVersion: 'kubeflow.org/v1beta1',
    kind: 'Experiment',
    metadata: { name: 'farm', namespace: settings.namespace },
    spec: {
      objective: {
        type: 'maximize',
        objectiveMetricName: METRIC,
        metricStrategies: [{ name: METRIC, value: 'max' }],
      },
      algorithm: { algorithmName: ALGORITHM },
      parallelTrialCount: parallel,
      maxTrialCount: trials,
      maxFailedTrialCount: trials,
      resumePolicy: 'Never',
      metricsCollectorSpec: { collector: { kind: 'StdOut' } },
      parameters: [
        {
          name: 'rate',
          parameterType: 'double',
          feasibleSpace: { min: '0.0001', max: '0.01', distribution: 'uniform' },
        },
      ],
      trialTemplate: {
        primaryContainerName: 'trainer',
        successCondition: conditions('Complete'),
        failureCondition: conditions('Failed'),
        trialParameters: [{ name: 'rate', reference: 'rate', description: 'learning rate' }],
        trialSpec: { apiVersion: 'batch/v1', kind: 'Job', spec: withRate(job) },
      },
    },
  };
}

function withRate(job: V1Job): object {
  const copy = JSON.parse(JSON.stringify(job.spec)) as NonNullable<V1Job['spec']>;
  for (const { env } of copy.template.spec?.containers ?? [])
    env?.push({ name: 'RATE', value: `\${trialParameters.rate}` });
  return copy;
}

async function succeeded(cluster: Cluster, namespace: string): Promise<number> {
  const path = 'jsonpath={.status.trialsSucceeded}';
  return Number(await cluster.kubectl(['get', 'experiment', 'farm', '-n', namespace, '-o', path]));
}

/** Trials and their kinds hold finalizers that nobody lets go any more. */
async function forget(cluster: Cluster, namespace: string): Promise<void> {
  const inNamespace = ['-n', namespace];
  const names = (await cluster.kubectl([...inNamespace, 'get', 'trials', '-o', 'name'])).split('\n').filter(Boolean);
  if (names.length > 0) {
    await cluster.kubectl([
      ...inNamespace,
      'patch',
      ...names,
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    ]);
  }
  const kinds = ['experiments', 'trials', 'suggestions'].map((kind) => `crd/${kind}.kubeflow.org`);
  await cluster.kubectl(['delete', ...kinds, `namespace/${SYSTEM}`, '--wait=false']);
}

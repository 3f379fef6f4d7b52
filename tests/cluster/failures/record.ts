#!/usr/bin/env node
/**
 * Provokes what can happen to an attempt on the test cluster (`npm run cluster:up`) and writes what the cluster then
 * shows into k8s/diagnosis/recorded: `node tests/cluster/failures/record.ts [name...]`. Without names: everything that
 * takes nothing away from others who use the cluster.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptLaunch } from '@lamina/domain/contract/runner.ts';
import { jobManifest } from '@lamina/k8s/manifests/job.ts';
import { kubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { sampleRequest } from '../../conformance/samples.ts';
import { type Cluster, cluster } from '../../support/cluster.ts';
import { DISRUPTIONS } from './disruptions.ts';
import { ENDINGS } from './endings.ts';
import { createRecorder, type Recorder, type Seen, save } from './recording.ts';
import { type Context, ended, type Situation } from './situation.ts';
import { WAITINGS } from './waitings.ts';

const NAMESPACE = 'lamina-recording';
const AT_ONCE = 4;
const SITUATIONS: Readonly<Record<string, Situation>> = { ...ENDINGS, ...DISRUPTIONS, ...WAITINGS };

async function main(names: readonly string[]): Promise<number> {
  const there = await cluster();
  if ('skip' in there) {
    process.stderr.write(`${there.skip}\n`);
    return 1;
  }
  const unknown = names.filter((name) => SITUATIONS[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`no situation ${unknown.join(', ')}; there are ${Object.keys(SITUATIONS).join(', ')}`);
  const chosen =
    names.length > 0 ? [...names] : Object.keys(SITUATIONS).filter((name) => !SITUATIONS[name]?.disruptive);
  await makeNamespace(there, NAMESPACE);
  const failures: string[] = [];
  const version = await serverVersion(there);
  const work = chosen.values();
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (const name of work) {
      try {
        await recordOne(there, name, version);
        process.stdout.write(`${name}: recorded\n`);
      } catch (error) {
        failures.push(name);
        process.stderr.write(`${name}: ${(error as Error).message}\n`);
      }
    }
  });
  await Promise.all(lanes);
  await there.kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found']);
  process.stdout.write(`${chosen.length - failures.length} recorded, ${failures.length} failed\n`);
  return failures.length === 0 ? 0 : 1;
}

async function recordOne(there: Cluster, name: string, version: string): Promise<void> {
  const situation = SITUATIONS[name] as Situation;
  const namespace = situation.namespace?.name ?? NAMESPACE;
  if (situation.namespace !== undefined) await makeNamespace(there, namespace, situation.namespace.labels);
  const job = manifestOf(there, name, situation, namespace);
  const context: Context = { cluster: there, namespace, job: job.metadata?.name ?? '', pod: undefined };
  await situation.prepare?.(context);
  const objects = [...(situation.namespace?.objects ?? []), ...(situation.objects ?? [])];
  if (objects.length > 0) await there.apply(...objects.map((one) => inNamespace(one, namespace)));
  if (situation.namespace?.objects !== undefined) await sleep(1000); // a quota has to be counted once
  const recorder = await createRecorder(there.kubeconfig, namespace, context.job);
  try {
    await there.apply(job);
    const seen = await follow(situation, context, recorder);
    save(name, situation.about, `recorded from Kubernetes ${version}`, seen, Date.now());
  } finally {
    recorder.close();
    await situation.undo?.(context);
    await there.kubectl(['-n', namespace, 'delete', 'job', context.job, '--wait=false', '--ignore-not-found']);
    if (situation.namespace !== undefined) await there.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  }
}

async function follow(situation: Situation, context: Context, recorder: Recorder): Promise<Seen> {
  const giveUpAt = performance.now() + (situation.seconds ?? 90) * 1000;
  const done = situation.done ?? ended;
  let acted = situation.act === undefined;
  for (;;) {
    const seen = await recorder.look();
    if (!acted && situation.when?.(seen) === true) {
      await sleep(500); // past the moment in which a shell has no trap yet
      await situation.act?.({ ...context, pod: seen.pods[0] });
      acted = true;
    } else if (acted && done(seen)) return seen;
    if (performance.now() > giveUpAt) throw new Error(`not in time; last seen: ${JSON.stringify(statusesOf(seen))}`);
    await sleep(200);
  }
}

function statusesOf({ job, pods, gonePods, events }: Seen): object {
  return {
    job: job?.status ?? null,
    pods: pods.map(({ metadata, status }) => ({ deletionTimestamp: metadata?.deletionTimestamp, status })),
    gonePods,
    events: events.map(({ reason, message }) => `${reason}: ${message}`),
  };
}

function manifestOf({ images }: Cluster, name: string, situation: Situation, namespace: string) {
  const ids = { experimentId: 'recording', trialId: name, attempt: 1, attemptId: `recorded-${name}` };
  const request = sampleRequest(ids);
  const launch: AttemptLaunch = {
    ...ids,
    request: { ...request, plan: { ...request.plan, ...situation.plan } },
    token: 'none',
    deadlineSeconds: null,
    graceSeconds: 3,
    ...situation.limits,
  };
  const settings = kubernetesSettings.parse({
    namespace,
    image: images.busybox,
    imagePullPolicy: 'Never',
    command: ['sh', '-c', situation.script ?? 'true', 'trainer'],
    artifacts: { source: { hostPath: '/tmp' } },
    cpu: '10m',
    ...situation.settings,
  });
  const job = jobManifest(launch, settings);
  situation.change?.(job);
  return job;
}

async function makeNamespace(there: Cluster, name: string, labels: Record<string, string> = {}): Promise<void> {
  await there.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

const CLUSTER_WIDE: readonly unknown[] = [
  'Node',
  'PriorityClass',
  'ClusterQueue',
  'ResourceFlavor',
  'WorkloadPriorityClass',
];

function inNamespace(object: object, namespace: string): object {
  const { kind, metadata } = object as { kind?: string; metadata?: object };
  return CLUSTER_WIDE.includes(kind) ? object : { ...object, metadata: { ...metadata, namespace } };
}

async function serverVersion(there: Cluster): Promise<string> {
  return (JSON.parse(await there.kubectl(['get', '--raw', '/version'])) as { gitVersion: string }).gitVersion;
}

process.exitCode = await main(process.argv.slice(2));

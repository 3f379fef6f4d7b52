/** What only a cluster can do to a runner of Jobs; the demands on every runner are in tests/conformance. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import type { AttemptLaunch, AttemptObservation } from '@lamina/domain/contract/runner.ts';
import type { ClusterClient } from '@lamina/k8s/client/client.ts';
import { isClusterError } from '@lamina/k8s/client/errors.ts';
import { JOBS } from '@lamina/k8s/client/resources.ts';
import { jobManifest, jobName } from '@lamina/k8s/manifests/job.ts';
import type { KubernetesRunner } from '@lamina/k8s/runner/kubernetes-runner.ts';
import { type Cluster, cluster } from '../support/cluster.ts';
import { FakeTrials } from '../support/kubernetes-runner.ts';
import { FaultyProxy } from '../support/proxy.ts';

const found = await cluster();
const PATIENCE_MS = 240_000;

describe('KubernetesRunner on the test cluster', { skip: 'skip' in found ? found.skip : false }, () => {
  let trials: FakeTrials;
  let proxy: FaultyProxy;
  const opened: { client: ClusterClient; runner: KubernetesRunner }[] = [];

  before(async () => {
    trials = new FakeTrials(found as Cluster);
    await trials.open();
    proxy = await FaultyProxy.open(serverOf((found as Cluster).kubeconfig));
  });
  // A worker that is left over would go on to lead.
  afterEach(async () => {
    proxy.restore();
    for (const each of opened.splice(0)) await close(each);
  });
  after(async () => {
    await proxy.close();
    await trials.close();
  });

  async function close({ client, runner }: { client: ClusterClient; runner: KubernetesRunner }): Promise<void> {
    await runner.close();
    await client.close();
  }

  async function open(server?: string, using: FakeTrials = trials) {
    const client = using.client(server, { withinMs: 3_000, firstMs: 100, longestMs: 500 });
    const runner = using.runner(client);
    const seen = new Map<string, AttemptObservation>();
    await runner.watch(async (ended) => {
      for (const one of ended) seen.set(one.attemptId, one);
    });
    const worker = { client, runner, seen };
    opened.push(worker);
    return worker;
  }

  async function until<T>(what: string, look: () => Promise<T | null | undefined> | T | null | undefined): Promise<T> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const value = await look();
      if (value != null && value !== false) return value;
      assert.ok(performance.now() < giveUpAt, `in vain: ${what}`);
      await sleep(100);
    }
  }
  const ended = ({ seen }: { seen: Map<string, AttemptObservation> }, item: AttemptLaunch) =>
    until(`the end of ${item.attemptId}`, () => seen.get(item.attemptId)?.end);
  const running = (runner: KubernetesRunner, item: AttemptLaunch) =>
    until(`${item.attemptId} runs`, async () =>
      (await runner.list(item.experimentId)).find(
        ({ attemptId, state }) => attemptId === item.attemptId && state === 'running',
      ),
    );

  async function jobsOf(experimentId: string): Promise<number> {
    const client = opened[0]?.client ?? trials.client();
    const { items } = await client.list(JOBS, { labelSelector: `lamina.dev/experiment=${experimentId}` });
    return items.length;
  }

  test('watches that are cut go on where they were', async () => {
    const worker = await open(proxy.url);
    const items = [1, 2, 3].map(() => trials.item({ kind: 'run' }, {}, 'cut'));
    await worker.runner.launch(items);
    for (const item of items) await running(worker.runner, item);
    proxy.cut();
    await worker.runner.stop(items, 5);
    proxy.cut();
    for (const item of items) assert.equal((await ended(worker, item)).exitCode, 75);
    const lists = worker.client.requests.get('list jobs') ?? 0;
    proxy.cut();
    const item = trials.item({ kind: 'succeed' }, {}, 'cut');
    await worker.runner.launch([item]);
    assert.equal((await ended(worker, item)).outcome, 'succeeded');
    assert.equal(worker.client.requests.get('list jobs'), lists, 'nothing had to be listed again');
  });

  test('what ends while the API server is away is known when it is back', async () => {
    const worker = await open(proxy.url);
    const item = trials.item({ kind: 'run' }, {}, 'away');
    await worker.runner.launch([item]);
    await running(worker.runner, item);
    proxy.refuse();
    await assert.rejects(worker.runner.launch([trials.item({ kind: 'succeed' }, {}, 'away')]), (error) =>
      isClusterError(error, 'unreachable'),
    );
    await assert.rejects(worker.runner.list('away'), (error) => isClusterError(error, 'unreachable'));
    await (found as Cluster).faults.deleteJob(trials.settings.namespace, jobName(item.attemptId));
    await sleep(3_000);
    assert.equal(worker.seen.get(item.attemptId), undefined);
    proxy.restore();
    assert.equal((await ended(worker, item)).outcome, 'disrupted');
    await until('leads again', () => worker.runner.leads());
  });

  test('a Job that somebody deletes is disrupted, and its trainer saved a checkpoint', async () => {
    const worker = await open();
    const item = trials.item({ kind: 'run' }, {}, 'by-hand');
    await worker.runner.launch([item]);
    await running(worker.runner, item);
    await (found as Cluster).faults.deleteJob(trials.settings.namespace, jobName(item.attemptId));
    const end = await ended(worker, item);
    assert.equal(end.outcome, 'disrupted');
    assert.equal(end.exitCode, 75);
  });

  test('one of two workers hands over ends; the other one takes over from it, and all may launch and list', async () => {
    const first = await open(proxy.url);
    await until('the first leads', () => first.runner.leads());
    const second = await open();
    const items = [1, 2].map(() => trials.item({ kind: 'succeed' }, {}, 'two'));
    await second.runner.launch(items);
    for (const item of items) await ended(first, item);
    assert.equal(second.seen.size, 0);
    const listed = await Promise.all([first, second].map(({ runner }) => runner.list('two')));
    for (const list of listed) assert.equal(list.length, 2);
    await first.runner.forget(items);
    await first.runner.clear('two');
    await until('the Jobs are gone', async () => (await jobsOf('two')) === 0);

    const later = [1, 2].map(() => trials.item({ kind: 'exit', code: 64 }, {}, 'two'));
    await first.runner.launch(later);
    proxy.refuse();
    for (const item of later) assert.equal((await ended(second, item)).outcome, 'invalid');
    assert.equal(first.runner.leads(), false);
    assert.ok(
      items.every(({ attemptId }) => !second.seen.has(attemptId)),
      'what was recorded does not come again',
    );
  });

  test('a worker that cannot renew its lease leads no longer, though nothing tells it so', async () => {
    const worker = await open(proxy.url);
    await until('it leads', () => worker.runner.leads());
    proxy.freeze();
    await until('it leads no longer', () => !worker.runner.leads());
    proxy.restore();
    await until('it leads again', () => worker.runner.leads());
    const item = trials.item({ kind: 'succeed' }, {}, 'frozen');
    await worker.runner.launch([item]);
    assert.equal((await ended(worker, item)).outcome, 'succeeded');
  });

  test('a Job of the same name that asks for something else is not adopted', async () => {
    const worker = await open();
    const item = trials.item({ kind: 'succeed' }, {}, 'foreign');
    const other = { ...item, request: { ...item.request, settings: { ...item.request.settings, seed: 99 } } };
    await worker.client.create(JOBS, jobManifest(other, trials.settings));
    const [observation] = await worker.runner.launch([item]);
    assert.equal(observation?.end?.outcome, 'invalid');
    assert.match(observation?.end?.message ?? '', /Another Job has the name/);
  });

  test('what the API server refuses is invalid with its sentence, and the rest of the batch goes on', async () => {
    const worker = await open();
    const good = trials.item({ kind: 'succeed' }, {}, 'refused');
    const item = trials.item({ kind: 'succeed' }, {}, 'refused');
    const plan = { ...item.request.plan, memoryBytes: -1 };
    const bad = { ...item, request: { ...item.request, plan } };
    const [refused, launched] = await worker.runner.launch([bad, good]);
    assert.equal(refused?.end?.outcome, 'invalid');
    assert.match(
      refused?.end?.message ?? '',
      /The cluster does not accept the Job: .*must be greater than or equal to 0/,
    );
    assert.equal(launched?.end, null);
    assert.equal((await ended(worker, good)).outcome, 'succeeded');
  });

  test('attempts beyond a quota wait, say why, and start when there is room', async () => {
    const limited = new FakeTrials(found as Cluster);
    await limited.open();
    const hard = { 'count/jobs.batch': '1' };
    const metadata = { name: 'one', namespace: limited.settings.namespace };
    await (found as Cluster).apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard } });
    // The API server admits by the quota's status, which a controller fills in.
    await until('the quota has a status', async () => {
      const get = ['get', 'resourcequota', 'one', '-n', limited.settings.namespace, '-o', 'jsonpath={.status.hard}'];
      return (await (found as Cluster).kubectl(get)) || null;
    });
    const worker = await open(undefined, limited);
    const items = [1, 2, 3].map(() => limited.item({ kind: 'succeed' }, {}, 'quota'));
    const observations = await until('the quota is in force', async () => {
      const launched = await worker.runner.launch(items);
      return launched.filter(({ state }) => state === 'pending').length >= 2 ? launched : null;
    });
    assert.ok(observations.some(({ reason }) => reason?.kind === 'unschedulable' && reason.text.includes('quota')));
    await worker.runner.stop(items.slice(2), 5);
    // Whichever the cluster took first makes room for the other.
    await Promise.all(
      items.slice(0, 2).map(async (item) => {
        assert.equal((await ended(worker, item)).outcome, 'succeeded');
        await worker.runner.forget([item]);
      }),
    );
    assert.equal((await ended(worker, items[2] as AttemptLaunch)).outcome, 'disrupted');
    await limited.close();
  });

  test('the log of a trainer that keeps none itself is kept when it has ended', async () => {
    const worker = await open();
    const item = trials.item({ kind: 'count', lines: 400 }, {}, 'logs');
    await worker.runner.launch([item]);
    await ended(worker, item);
    const file = join(trials.attemptFolder(item), 'log.txt');
    await until('the tail is kept', () => existsSync(file));
    const lines = Array.from({ length: 400 }, (_, index) => `line ${index + 1}`);
    assert.deepEqual(readFileSync(file, 'utf8').trimEnd().split('\n').slice(1), lines);
  });

  test('an attempt on a node that is lost is disrupted, and its pod does not stay', async () => {
    const { faults, kubectlJson } = found as Cluster;
    const [node = ''] = (found as Cluster).nodes.slice(-1);
    const bound = new FakeTrials(found as Cluster, {
      nodeSelector: { 'kubernetes.io/hostname': node },
      lostNodeSeconds: 1,
    });
    await bound.open();
    const worker = await open(undefined, bound);
    const item = bound.item({ kind: 'run' }, { graceSeconds: 2 }, 'lost');
    await worker.runner.launch([item]);
    await running(worker.runner, item);
    await faults.stopKubelet(node);
    try {
      const end = await ended(worker, item);
      assert.equal(end.outcome, 'disrupted');
      assert.equal(end.node, node);
      await worker.runner.forget([item]);
      await until('the pod is gone', async () => {
        const pods = (await kubectlJson('get', 'pods', '-n', bound.settings.namespace)) as { items: unknown[] };
        return pods.items.length === 0;
      });
    } finally {
      await faults.startKubelet(node);
    }
    await bound.close();
  });

  test('200 Jobs at once: each ends once, six requests a trial are plenty, and no Job is left', async () => {
    const worker = await open();
    const items = Array.from({ length: 200 }, () => trials.item({ kind: 'succeed' }, {}, 'many'));
    await worker.runner.launch(items.slice(0, 100));
    await worker.runner.launch(items.slice(100));
    await until('all have ended', () => items.every(({ attemptId }) => worker.seen.has(attemptId)));
    assert.ok(items.every(({ attemptId }) => worker.seen.get(attemptId)?.end?.outcome === 'succeeded'));
    await worker.runner.forget(items);
    assert.deepEqual(await worker.runner.list('many'), []);
    assert.equal(await jobsOf('many'), items.length, 'they may be looked at');
    await worker.runner.clear('many');
    await until('the Jobs are gone', async () => (await jobsOf('many')) === 0);
    const sent = [...worker.client.requests.values()].reduce((sum, count) => sum + count, 0);
    assert.ok(sent <= 6 * items.length, `${sent} requests`);
  });

  test('300 Jobs that wait are stopped in few requests', async () => {
    const waiting = new FakeTrials(found as Cluster, { nodeSelector: { 'lamina.dev/nowhere': 'true' } });
    await waiting.open();
    const worker = await open(undefined, waiting);
    const items = Array.from({ length: 300 }, () => waiting.item({ kind: 'run' }, {}, 'queued'));
    for (let at = 0; at < items.length; at += 100) await worker.runner.launch(items.slice(at, at + 100));
    const before = total(worker.client);
    await worker.runner.stop(items, 5);
    await until('the Jobs are gone', async () => {
      const { items: left } = await worker.client.list(JOBS, {});
      return left.length === 0;
    });
    await until('all have ended', () => items.every(({ attemptId }) => worker.seen.has(attemptId)));
    assert.ok(items.every(({ attemptId }) => worker.seen.get(attemptId)?.end?.outcome === 'disrupted'));
    const stopped = worker.client.requests.get('deletecollection jobs') ?? 0;
    assert.ok(stopped <= 6, `${stopped} requests to stop them`);
    assert.ok(total(worker.client) - before < items.length);
    await waiting.close();
  });
});

function total({ requests }: ClusterClient): number {
  return [...requests.values()].reduce((sum, count) => sum + count, 0);
}

function serverOf(kubeconfig: string): string {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return config.getCurrentCluster()?.server ?? '';
}

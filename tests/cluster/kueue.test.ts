/** Trials in a queue of a real Kueue: what waits says where and for what, and starts when there is room. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import type { AttemptLaunch } from '@lamina/domain/contract/runner.ts';
import { createClusterClient } from '@lamina/k8s/client/client.ts';
import { findWorkloads } from '@lamina/k8s/kueue/find.ts';
import { rbacObjects } from '@lamina/k8s/rbac/objects.ts';
import type { KubernetesRunner } from '@lamina/k8s/runner/kubernetes-runner.ts';
import { type Cluster, cluster } from '../support/cluster.ts';
import { FakeTrials, kubeConfigOf, quiet } from '../support/kubernetes-runner.ts';

const found = await cluster();
const skip = 'skip' in found ? found.skip : false;
const PATIENCE_MS = 90_000;
const EXPERIMENT = 'queued';

describe('a queue of two GPUs', { skip }, () => {
  const here = found as Cluster;
  const trials = new FakeTrials(here, { queue: 'trials' });
  const { namespace } = trials.settings;
  let runner: KubernetesRunner;
  let close: () => Promise<void>;

  before(async () => {
    await here.kueue.start();
    await trials.open();
    await here.kueue.addQueue(namespace, 'trials', 2);
    const account = { name: 'worker', namespace };
    await here.apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
      ...rbacObjects(trials.settings, account),
    );
    const token = (await here.kubectl(['create', 'token', account.name, '-n', namespace])).trim();
    const client = createClusterClient(kubeConfigOf(here, token), trials.settings, quiet);
    runner = trials.runner(client);
    close = async () => {
      await runner.close();
      await client.close();
    };
  });
  after(async () => {
    await close();
    const name = `lamina-worker-${namespace}-${trials.settings.instance}`;
    await here.kubectl(['delete', 'clusterrole,clusterrolebinding', name]);
    await here.kueue.removeQueue(namespace, 'trials');
    await trials.close();
  });

  const withGpus = (gpus: number): AttemptLaunch => {
    const item = trials.item({ kind: 'run' }, {}, EXPERIMENT);
    const { request } = item;
    return { ...item, request: { ...request, plan: { ...request.plan, gpus } } };
  };
  const seen = async ({ attemptId }: AttemptLaunch) =>
    (await runner.list(EXPERIMENT)).find((one) => one.attemptId === attemptId);

  async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (performance.now() > endMs) assert.fail(`${what}: ${JSON.stringify(await runner.list(EXPERIMENT), null, 2)}`);
      await sleep(500);
    }
  }

  test('one runs, two wait in turn, one can never run; the next starts when the first ends', async () => {
    const [first, second, third, greedy] = [withGpus(2), withGpus(2), withGpus(1), withGpus(3)];
    await runner.launch([first]);
    await until('the first runs', async () => (await seen(first))?.state === 'running');
    await runner.launch([second]);
    // Kueue tells times apart by the second.
    await sleep(1100);
    await runner.launch([third, greedy]);

    const says = (item: AttemptLaunch, reason: RegExp) => async () => {
      const one = await seen(item);
      return (
        one?.state === 'pending' &&
        one.admittedAt === null &&
        one.reason !== null &&
        reason.test(`${one.reason.kind}: ${one.reason.text}`)
      );
    };
    const missing = (count: number) => new RegExp(`${count} more nvidia\\.com/gpu have to become free`);
    await until('the second is next', says(second, /^queued: Number 1 in the queue "trials": 2 more/));
    await until('the third is behind it', says(third, /^queued: Number 2 in the queue "trials": /));
    await until('the third says what is missing', says(third, missing(1)));
    await until(
      'too much for the queue',
      says(greedy, /^misconfigured: .* asks for 3 nvidia\.com\/gpu, and the queue may use 2 at most/),
    );

    await runner.stop([first], 1);
    await until('the second runs', async () => (await seen(second))?.state === 'running');
    assert.ok(Date.parse((await seen(second))?.admittedAt ?? '') > 0);
    await runner.stop([second, third, greedy], 1);
    await until('all have ended', async () => (await runner.list(EXPERIMENT)).every(({ state }) => state === 'ended'));
  });
});

test('Kueue is found where it is', { skip }, async () => {
  const here = found as Cluster;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(here.kubeconfig);
  const client = createClusterClient(kubeConfig, { namespace: 'default', requestsPerSecond: 50 }, quiet);
  const groups = await here.kubectl(['get', '--raw', '/apis']);
  const expected = groups.includes('kueue.x-k8s.io') ? '/apis/kueue.x-k8s.io/v1beta2' : undefined;
  assert.equal((await findWorkloads(client))?.base, expected);
  await client.close();
});

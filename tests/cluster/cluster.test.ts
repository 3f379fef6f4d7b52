/** The test cluster itself: what the tests of the Kubernetes runner rely on. */
import assert from 'node:assert/strict';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, cluster, trainerInPods } from '../support/cluster.ts';
import { podFacts } from './pods.ts';
import { until } from './shell.ts';

const found = await cluster();
const skip = 'skip' in found ? found.skip : false;
const NAMESPACE = `cluster-smoke-${process.pid}`;
const USER = 65_532;

describe('the test cluster', { skip }, () => {
  const here = found as Cluster;
  const folder = mkdtempSync(join(tmpdir(), 'lamina-cluster-'));
  const inNamespace = (...args: string[]) => here.kubectl(['-n', NAMESPACE, ...args]);
  const { facts, job, run } = podFacts(here, NAMESPACE);

  before(async () => {
    await here.kubectl(['create', 'namespace', NAMESPACE]);
    chownSync(folder, USER, USER);
  });
  after(async () => {
    await here.faults.heal();
    await here.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
    rmSync(folder, { recursive: true });
  });

  test('pods run on both nodes, where their GPUs are', async () => {
    for (const [name, product] of [
      ['node1', 'NVIDIA-A100-SXM4-40GB'],
      ['node2', 'NVIDIA-H100-80GB-HBM3'],
    ] as const) {
      await run(
        job(name, { command: 'true', limits: { 'nvidia.com/gpu': 4 }, select: { 'nvidia.com/gpu.product': product } }),
      );
      const ended = await facts(name, 'ended');
      assert.deepEqual([ended.node, ended.exitCode, ended.reason], [name, 0, 'Completed']);
    }
  });

  test('more GPUs than a node has are never scheduled', async () => {
    await run(job('greedy', { command: 'true', limits: { 'nvidia.com/gpu': 5 } }));
    const { message } = await facts('greedy', 'unschedulable');
    assert.match(message, /Insufficient nvidia\.com\/gpu/);
  });

  test('a container over its memory limit is killed by the kernel', async () => {
    await run(job('hungry', { command: 'dd if=/dev/zero of=/dev/null bs=200M count=1', limits: { memory: '24Mi' } }));
    const { reason, exitCode } = await facts('hungry', 'ended');
    assert.deepEqual([reason, exitCode], ['OOMKilled', 137]);
  });

  test('an evicted pod says that it was disrupted', async () => {
    await run(job('evicted', { command: 'sleep 60', grace: 1 }));
    const { pod } = await facts('evicted', 'running');
    await here.faults.evict(NAMESPACE, pod);
    const { disrupted } = await facts('evicted', 'disrupted');
    assert.equal(disrupted, 'EvictionByEvictionAPI');
  });

  test('a pod that is no root reads and writes a folder of the host, and reaches the host and a pod on the other node', async () => {
    writeFileSync(join(folder, 'in'), 'from the host');
    const server = createServer((_request, response) => response.end('intake'));
    await new Promise<void>((resolve) => server.listen(0, here.hostAddress, resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    try {
      await run(
        job('neighbour', { command: 'echo hello > /tmp/x; httpd -f -p 8080 -h /tmp', node: 'node2', grace: 0 }),
      );
      const { ip } = await facts('neighbour', 'running');
      const fetches = [`wget -qO- http://${here.hostAddress}:${address.port}/`, `wget -qO- http://${ip}:8080/x`];
      const command = `cat /host/in > /host/out; id -u >> /host/out; ${fetches.map((each) => `${each} >> /host/out`).join('; ')}`;
      await run(job('mounts', { command, node: 'node1', mount: folder }));
      assert.equal((await facts('mounts', 'ended')).exitCode, 0);
      assert.equal(readFileSync(join(folder, 'out'), 'utf8'), `from the host${USER}\nintakehello\n`);
    } finally {
      server.close();
    }
  });

  test('the trainer runs in a pod, from the host’s environment, on a root file system that is read-only', async () => {
    const { image, command, env, volumes } = trainerInPods();
    await run(job('trainer', { image, command: [...command, 'device'], env, volumes }));
    assert.equal((await facts('trainer', 'ended')).exitCode, 0);
    assert.equal((JSON.parse(await inNamespace('logs', 'job/trainer')) as { kind: string }).kind, 'cpu');
  });

  test('a node whose kubelet is dead becomes NotReady, its pods are given up, and it comes back with its GPUs', async () => {
    await run(job('stuck', { command: 'sleep 600', node: 'node1', grace: 0 }));
    await facts('stuck', 'running');
    await here.faults.stopKubelet('node1');
    assert.equal((await facts('stuck', 'disrupted')).disrupted, 'DeletionByTaintManager');
    await here.faults.startKubelet('node1');
    const path = '{.status.allocatable.nvidia\\.com/gpu}';
    assert.equal(await here.kubectl(['get', 'node', 'node1', '-o', `jsonpath=${path}`]), '4');
  });

  test('the API server is away and back, paused, stopped, or with all its connections cut', async () => {
    const paused = here.faults.pauseApiServer(2);
    await sleep(200);
    await assert.rejects(here.kubectl(['get', '--raw', '/readyz', '--request-timeout=500ms']));
    await paused;
    await here.faults.stopApiServer(0);
    const watched = here.kubectl(['get', '--raw', '/api/v1/namespaces/default/pods?watch=1']).catch(() => 'reset');
    await sleep(1000);
    await here.faults.cutWatches();
    assert.equal(await watched, 'reset');
    await here.kubectl(['get', '--raw', '/readyz']);
  });

  test('fake nodes run Jobs that name them', async () => {
    await here.kwok.start();
    await here.kwok.addNodes(3);
    const { selector: select, toleration } = here.kwok;
    await run(job('fake', { command: 'true', limits: { 'nvidia.com/gpu': 8 }, select, toleration, says: 'digest' }));
    const ended = await facts('fake', 'ended');
    assert.deepEqual([ended.exitCode, ended.terminationMessage], [0, 'digest']);
    assert.match(ended.node, /^fake-000/);
    await here.kwok.stop();
  });

  test('Kueue admits suspended Jobs within their quota', async () => {
    await here.kueue.start();
    await here.kueue.addQueue(NAMESPACE, 'trials', 1);
    const queued = { command: 'sleep 3', limits: { 'nvidia.com/gpu': 1 }, queue: 'trials', grace: 0 };
    await run(job('first', queued));
    await facts('first', 'running');
    await run(job('second', queued));
    const isSuspended = (name: string) => inNamespace('get', 'job', name, '-o', 'jsonpath={.spec.suspend}');
    await until('workload of the second', 20, async () =>
      (await inNamespace('get', 'workloads')).includes('job-second'),
    );
    assert.equal(await isSuspended('second'), 'true');
    assert.equal((await facts('second', 'ended')).exitCode, 0);
    await inNamespace('delete', 'jobs', 'first', 'second');
    await here.kueue.removeQueue(NAMESPACE, 'trials');
    await here.kueue.stop();
  });
});

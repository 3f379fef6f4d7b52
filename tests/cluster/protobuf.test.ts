/** Jobs and pods as lists and watches read them are what the API server shows as JSON, whatever has become of them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KubeConfig, type V1Job, type V1Pod, type V1PodSpec } from '@kubernetes/client-node';
import { createClusterClient, type WatchEvent } from '@lamina/k8s/client/client.ts';
import { JOBS, PODS, type Resource } from '@lamina/k8s/client/resources.ts';
import { JOB, POD } from '@lamina/k8s/client/shapes.ts';
import { project } from '@lamina/k8s/client/testing/project.ts';
import { type Cluster, cluster } from '../support/cluster.ts';
import { until } from './shell.ts';

const found = await cluster();
const skip = 'skip' in found ? found.skip : false;
const NAMESPACE = 'lamina-protobuf';
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('objects in the form that costs least', { skip }, () => {
  const here = found as Cluster;
  const config = new KubeConfig();
  if (skip === false) config.loadFromFile(here.kubeconfig);
  const client = createClusterClient(config, { namespace: NAMESPACE, requestsPerSecond: 100 }, log);

  const job = (name: string, pod: Partial<V1PodSpec>, spec: Partial<V1Job['spec']> = {}, command = 'true'): V1Job => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels: { case: name, empty: '' }, annotations: { why: `as ${name} – äöü` } },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels: { case: name } },
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'trainer',
              image: here.images.busybox,
              imagePullPolicy: 'Never',
              command: ['sh', '-c', command],
              resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
            },
          ],
          ...pod,
        },
      },
      ...spec,
    },
  });

  before(async () => {
    await here.kubectl(['create', 'namespace', NAMESPACE]);
    const init = { name: 'first', image: here.images.busybox, command: ['true'] };
    for (const one of [
      job('succeeds', { initContainers: [{ ...init, imagePullPolicy: 'Never' }] }),
      job('fails', {}, {}, 'echo out of luck > /dev/termination-log; exit 67'),
      job('killed', {}, {}, 'kill -9 $$'),
      job('no-place', { nodeSelector: { 'lamina.dev/nowhere': 'true' } }),
      job('late', { terminationGracePeriodSeconds: 1 }, { activeDeadlineSeconds: 1 }, 'sleep 60'),
      job('suspended', {}, { suspend: true }),
      job('several', {}, { parallelism: 2, completions: 2, completionMode: 'Indexed' }),
      job('leaving', { terminationGracePeriodSeconds: 300 }, {}, 'trap : TERM; while true; do sleep 1; done'),
      job('no-image', {
        containers: [{ name: 'trainer', image: 'nowhere.invalid/none:1', imagePullPolicy: 'Never' }],
      }),
    ]) {
      await client.create(JOBS, one);
    }
    await until('what was to become of them', 60, async () => {
      const { items } = await client.list(JOBS, {});
      const over = items.filter(({ status }) => status?.conditions?.some(({ status: holds }) => holds === 'True'));
      const { items: pods } = await client.list(PODS, { labelSelector: 'case=leaving' });
      return over.length >= 6 && pods.some(({ status }) => status?.phase === 'Running');
    });
    await here.kubectl(['delete', 'pod', '-n', NAMESPACE, '-l', 'case=leaving', '--wait=false']);
  });
  after(async () => {
    await here.kubectl(['delete', 'pod', '-n', NAMESPACE, '-l', 'case=leaving', '--force', '--grace-period=0']);
    await here.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
    await client.close();
  });

  const kinds = [
    { resource: JOBS as Resource<V1Job | V1Pod>, shape: JOB },
    { resource: PODS as Resource<V1Job | V1Pod>, shape: POD },
  ];
  for (const { resource, shape } of kinds) {
    test(`${resource.plural} of a list`, async () => {
      let listed: readonly (V1Job | V1Pod)[] = [];
      let json: readonly (V1Job | V1Pod)[] = [];
      await until('two lists between which nothing has changed', 60, async () => {
        listed = (await client.list(resource, {})).items;
        json = await asJson(resource.plural);
        return listed.map(version).join() === json.map(version).join();
      });
      assert.deepEqual(
        listed,
        json.map((object) => project(object, shape)),
      );
    });

    test(`${resource.plural} of a watch, and how they change`, async () => {
      const { items, resourceVersion } = await client.list(resource, {});
      const [first] = items;
      assert.ok(first !== undefined);
      const until10 = AbortSignal.timeout(10_000);
      const events: WatchEvent<V1Job | V1Pod>[] = [];
      const watching = (async () => {
        for await (const event of client.watch(resource, {}, resourceVersion, until10)) {
          events.push(event);
          if (event.object.metadata?.annotations?.['seen'] === 'true') return;
        }
      })();
      const name = first.metadata?.name ?? '';
      await here.kubectl(['annotate', resource.plural, name, '-n', NAMESPACE, 'seen=true']);
      await watching;
      const seen = events.findLast(({ object }) => object.metadata?.name === name);
      assert.equal(seen?.type, 'MODIFIED');
      const json = (await asJson(resource.plural)).find((each) => version(each) === version(seen.object));
      assert.deepEqual(seen.object, project(json, shape));
    });
  }

  test('names and labels alone', async () => {
    const { items, resourceVersion } = await client.list(JOBS, { labelSelector: 'case=succeeds', metadataOnly: true });
    assert.ok(Number(resourceVersion) > 0);
    assert.deepEqual(Object.keys(items[0] ?? {}), ['metadata']);
    assert.equal(items[0]?.metadata?.name, 'succeeds');
    assert.deepEqual(items[0]?.metadata?.labels, { case: 'succeeds', empty: '' });
  });

  async function asJson(plural: string): Promise<(V1Job | V1Pod)[]> {
    return JSON.parse(await here.kubectl(['get', plural, '-n', NAMESPACE, '-o', 'json'])).items;
  }
});

function version({ metadata }: V1Job | V1Pod): string {
  return `${metadata?.name}@${metadata?.resourceVersion}`;
}

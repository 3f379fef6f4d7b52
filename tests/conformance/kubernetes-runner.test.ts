import type { ClusterClient } from '@lamina/k8s/client/client.ts';
import type { KubernetesRunner } from '@lamina/k8s/runner/kubernetes-runner.ts';
import { cluster } from '../support/cluster.ts';
import { FakeTrials } from '../support/kubernetes-runner.ts';
import { describeRunner, type RunnerHarness } from './runner.ts';

const found = await cluster();

async function kubernetesHarness(): Promise<RunnerHarness> {
  if ('skip' in found) throw new Error(found.skip);
  const trials = new FakeTrials(found);
  await trials.open();
  let open: { client: ClusterClient; runner: KubernetesRunner } | null = null;
  return {
    async open() {
      const client = trials.client();
      open = { client, runner: trials.runner(client) };
      return open.runner;
    },
    async abandon() {
      // Without a word to the cluster: its connections are cut first.
      await open?.client.close();
      await open?.runner.close();
    },
    item: (behaviour, limits) => trials.item(behaviour, limits),
    broken() {
      const item = trials.item({ kind: 'succeed' });
      const plan = { ...item.request.plan, gpuClass: 'no such class', gpus: 1 };
      return { item: { ...item, request: { ...item.request, plan } }, outcome: 'invalid' };
    },
    starts: async (item) => trials.starts(item),
    async close() {
      await open?.runner.close();
      await open?.client.close();
      await trials.close();
    },
  };
}

describeRunner('kubernetes, Jobs of the test cluster', kubernetesHarness, {
  skip: 'skip' in found ? found.skip : undefined,
  patienceMs: 60_000,
  pollMs: 100,
});

/**
 * The worker's rights: everything that the runner does works with exactly the rules of k8s/rbac, and with any verb of
 * them taken away it does not.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig, V1PolicyRule } from '@kubernetes/client-node';
import type { AttemptObservation } from '@lamina/domain/contract/runner.ts';
import { type ClusterClient, createClusterClient } from '@lamina/k8s/client/client.ts';
import { isClusterError } from '@lamina/k8s/client/errors.ts';
import { PODS } from '@lamina/k8s/client/resources.ts';
import { LABELS, TRAINER_CONTAINER } from '@lamina/k8s/labels.ts';
import { rbacObjects } from '@lamina/k8s/rbac/objects.ts';
import { clusterRules, workerRules } from '@lamina/k8s/rbac/rules.ts';
import { createKubernetesRunner, type KubernetesRunner } from '@lamina/k8s/runner/kubernetes-runner.ts';
import { type Cluster, cluster } from '../support/cluster.ts';
import { FakeTrials, kubeConfigOf } from '../support/kubernetes-runner.ts';

const found = await cluster();
const skip = 'skip' in found ? found.skip : false;

interface Rules {
  readonly role: readonly V1PolicyRule[];
  readonly cluster: readonly V1PolicyRule[];
}

const PATIENCE_MS = 120_000;
const EXPERIMENT = 'rights';

describe('rights of the worker', { skip, concurrency: 3 }, () => {
  const here = found as Cluster;
  const settings = { instance: 'lamina', queue: null, gpuClasses: {} };
  const all: Rules = { role: workerRules(settings), cluster: clusterRules() };
  const nodesAlone: Rules = { ...all, cluster: all.cluster.filter(({ resources }) => resources?.includes('nodes')) };

  test('all rules: everything works, and it is known which GPUs are free', async () => {
    const note = await withRules(here, all, exercise);
    assert.equal(note, null);
  });

  test('pods of other namespaces hidden: everything works, and the inventory says what is not known', async () => {
    const note = await withRules(here, nodesAlone, exercise);
    assert.match(note ?? '', /not known which GPUs are free/);
  });

  for (const { verb, of, rules } of withoutEach(nodesAlone)) {
    test(`without ${verb} of ${of} something is refused`, async () => {
      await assert.rejects(withRules(here, rules, exercise), (error: Error) => {
        assert.match(error.message, new RegExp(`no permission to ${verb} ${of}:`), error.stack);
        return true;
      });
    });
  }
});

function withoutEach(rules: Rules): { verb: string; of: string; rules: Rules }[] {
  const without = (list: readonly V1PolicyRule[], at: number, verb: string) =>
    list.map((rule, index) =>
      index === at ? Object.assign(structuredClone(rule), { verbs: rule.verbs.filter((one) => one !== verb) }) : rule,
    );
  return (['role', 'cluster'] as const).flatMap((kind) =>
    rules[kind].flatMap((rule, at) =>
      rule.verbs.map((verb) => ({
        verb,
        of: `${rule.resources?.[0]}`,
        rules: { ...rules, [kind]: without(rules[kind], at, verb) },
      })),
    ),
  );
}

interface Stage {
  readonly trials: FakeTrials;
  readonly kubeConfig: KubeConfig;
}

/** A namespace with an account that has these rules and no other. */
async function withRules<T>(here: Cluster, rules: Rules, work: (stage: Stage) => Promise<T>): Promise<T> {
  const trials = new FakeTrials(here);
  const { namespace } = trials.settings;
  await trials.open();
  try {
    const account = { name: 'worker', namespace };
    const objects = rbacObjects(trials.settings, account).map((object) => {
      const { kind } = object as { kind: string };
      if (kind === 'Role') return { ...object, rules: rules.role.filter(({ verbs }) => verbs.length > 0) };
      return kind === 'ClusterRole'
        ? { ...object, rules: rules.cluster.filter(({ verbs }) => verbs.length > 0) }
        : object;
    });
    // A pod that asks for a GPU is refused, which only events tell.
    const quota = { metadata: { name: 'gpus', namespace }, spec: { hard: { 'requests.nvidia.com/gpu': '0' } } };
    await here.apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
      { apiVersion: 'v1', kind: 'ResourceQuota', ...quota },
      ...objects,
    );
    const token = (await here.kubectl(['create', 'token', account.name, '-n', namespace])).trim();
    return await work({ trials, kubeConfig: kubeConfigOf(here, token) });
  } finally {
    const name = `lamina-worker-${namespace}-${trials.settings.instance}`;
    await here.kubectl(['delete', 'clusterrole,clusterrolebinding', name, '--ignore-not-found']);
    await trials.close();
  }
}

/** Everything that a worker asks a runner for. Answers the inventory's note; rejects with the first refusal. */
async function exercise({ trials, kubeConfig }: Stage): Promise<string | null> {
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => undefined);
  const notice = (fields: object): void => {
    const { err } = fields as { err?: unknown };
    if (isClusterError(err, 'lacks-permission')) refused.reject(err);
  };
  const log = { info: () => undefined, warn: notice, error: notice };
  const client = createClusterClient(kubeConfig, trials.settings, log);
  const identity = randomUUID();
  const runner = createKubernetesRunner({
    client,
    settings: trials.settings,
    artifacts: trials.files,
    log,
    identity,
    leaseSeconds: 2,
  });
  const over = new AbortController();
  try {
    return await Promise.race([refused.promise, allOfIt(client, runner, trials, over.signal)]);
  } finally {
    over.abort();
    await runner.close();
    await client.close();
  }
}

async function allOfIt(
  client: ClusterClient,
  runner: KubernetesRunner,
  trials: FakeTrials,
  over: AbortSignal,
): Promise<string | null> {
  const until = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
    const endMs = performance.now() + PATIENCE_MS;
    while (!(await condition())) {
      assert.ok(performance.now() < endMs, `not within ${PATIENCE_MS} ms: ${what}`);
      await sleep(200, undefined, { signal: over });
    }
  };

  const ended = new Map<string, AttemptObservation>();
  const watch = await runner.watch(async (batch) => {
    for (const each of batch) ended.set(each.attemptId, each);
  });
  const item = (kind: 'succeed' | 'run') => trials.item({ kind }, {}, EXPERIMENT);
  const quick = item('succeed');
  const stopped = [item('run'), item('run')];
  const alone = item('run');
  const unplaceable = item('run');
  const { request } = unplaceable;
  const nowhere = { ...unplaceable, request: { ...request, plan: { ...request.plan, gpus: 1 } } };
  const launched = await runner.launch([quick, ...stopped, alone, nowhere]);
  // A Job that may not be created waits until somebody grants it.
  for (const { reason } of launched) if (reason?.kind === 'misconfigured') throw new Error(reason.text);

  await until('an end is reported', async () => ended.has(quick.attemptId));
  assert.equal(ended.get(quick.attemptId)?.end?.outcome, 'succeeded');
  const running = async () => (await runner.list(EXPERIMENT)).filter(({ state }) => state === 'running').length === 3;
  await until('three run', running);
  const labelSelector = `${LABELS.trial}=${alone.trialId.slice(0, 16)}`;
  const [pod] = (await client.list(PODS, { labelSelector })).items;
  const options = { container: TRAINER_CONTAINER };
  assert.match(await text(client.log(pod?.metadata?.name ?? '', options, over)), /asked to: run/);
  const { classes, note } = await runner.gpus();
  assert.ok(classes.length > 0, note ?? 'no classes');

  const refusal = async () =>
    (await runner.list(EXPERIMENT)).some(({ reason }) => /quota "gpus"/.test(reason?.text ?? ''));
  await until('the refusal of a pod is said', refusal);

  // What runs is not forgotten; that it has not ended is asked of the cluster.
  await runner.forget([alone]);
  await runner.stop(stopped, 1);
  // One at a time: several of an experiment are deleted in one request.
  await runner.stop([alone], 5);
  await runner.stop([nowhere], 5);
  await until('all ends are reported', async () => ended.size === 5);
  assert.equal(ended.get(nowhere.attemptId)?.end?.outcome, 'disrupted');
  await runner.forget([quick, ...stopped, alone, nowhere]);
  await until('nothing is left', async () => (await runner.list(EXPERIMENT)).length === 0);
  await until('this worker leads', async () => runner.leads());
  await watch.close();
  return note;
}

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}

/** Cancelling a thousand trials whose Jobs wait for a node, against what the cluster needs to delete as many Jobs. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Job } from '@kubernetes/client-node';
import { JOBS } from '@lamina/k8s/client/resources.ts';
import { LABELS } from '@lamina/k8s/labels.ts';
import { type Cluster, cluster } from '../../support/cluster.ts';
import { verdictOf } from '../../support/fault-invariants.ts';
import { type FaultStack, NOWHERE, startFaultStack } from '../../support/fault-stack.ts';
import { until } from '../../support/orchestra.ts';

const QUEUED = 1_000;
const PATIENCE_MS = 600_000;
/** Beyond what the cluster itself needs. */
const ALLOWED_SECONDS = 5;

const found = await cluster();

describe('cancel of many queued trials', { skip: 'skip' in found ? found.skip : false }, () => {
  let stack: FaultStack;
  before(async () => {
    stack = await startFaultStack(found as Cluster);
    await stack.startWorker();
  });
  after(() => stack.close());

  const pods = (id: string) => stack.witness.pods(id).length;
  const jobs = (id: string) => stack.witness.left(id) - pods(id);

  async function seconds(until: () => boolean, fromMs: number): Promise<number> {
    while (!until()) await sleep(50);
    return (performance.now() - fromMs) / 1000;
  }

  /** Until no Job is left, and until no pod is. */
  async function gone(id: string, fromMs: number): Promise<{ jobs: number; pods: number }> {
    const withoutJobs = await seconds(() => jobs(id) === 0, fromMs);
    return { jobs: withoutJobs, pods: await seconds(() => pods(id) === 0, fromMs) };
  }

  test(`${QUEUED} queued trials: no Job is left ${ALLOWED_SECONDS} s after as many would have been deleted`, async (t) => {
    const id = 'many';
    const policy = { maxParallel: QUEUED, startDeadlineSeconds: 3_600, reconcileMs: 60_000 };
    const trials = Array(QUEUED).fill('succeed/succeed');
    await stack.submit(id, { trials, policy, plan: { gpuClass: NOWHERE } });
    await until(() => pods(id) === QUEUED, 'all pods wait', PATIENCE_MS);
    // Lists of the client do not read pod templates.
    const of = ['jobs', '-n', stack.settings.namespace];
    const { items: templates } = await stack.cluster.kubectlJson<{ items: V1Job[] }>('get', ...of);
    const cancelledAtMs = performance.now();
    await stack.control.cancel(id);
    const accepted = (performance.now() - cancelledAtMs) / 1000;
    const lamina = await gone(id, cancelledAtMs);
    const wallMs = Date.now();
    const counts = { cancelled: QUEUED };
    const verdict = await verdictOf(stack, id, { maxParallel: QUEUED, counts, cancelledAtMs: wallMs });
    assert.deepEqual(verdict.broken, []);
    const ended = (performance.now() - cancelledAtMs) / 1000;

    // The same Jobs, made and deleted by hand.
    let next = 0;
    const create = async () => {
      for (let job = templates[next++]; job !== undefined; job = templates[next++]) {
        await stack.client.create(JOBS, bare(job));
      }
    };
    await Promise.all(Array.from({ length: 24 }, create));
    await until(() => pods('bare') === QUEUED, 'all pods of the bare Jobs wait', PATIENCE_MS);
    const deletedAtMs = performance.now();
    const { namespace } = stack.settings;
    const select = ['-n', namespace, '-l', `${LABELS.experiment}=bare`];
    await stack.cluster.kubectl(['delete', 'jobs', ...select, '--cascade=background', '--wait=false']);
    const plain = await gone('bare', deletedAtMs);

    const say = (what: string, { jobs: j, pods: p }: typeof plain) =>
      `${what}: no Job after ${j.toFixed(1)} s, no pod after ${p.toFixed(1)} s`;
    t.diagnostic(`cancel accepted after ${accepted.toFixed(1)} s, experiment ended after ${ended.toFixed(1)} s`);
    t.diagnostic(say(`cancel of ${QUEUED} trials`, lamina));
    t.diagnostic(say(`kubectl delete of ${QUEUED} Jobs`, plain));
    assert.ok(lamina.jobs <= plain.jobs + ALLOWED_SECONDS);
  });
});

/** As the runner made it, for an experiment that nobody runs. */
function bare({ metadata, spec }: V1Job): V1Job {
  const relabelled = <T extends object | undefined>(of: T): T => {
    const text = JSON.stringify(of ?? {})
      .replaceAll('"many"', '"bare"')
      .replaceAll('many-', 'bare-');
    return JSON.parse(text) as T;
  };
  const { name, labels, annotations } = relabelled(metadata) ?? {};
  const { selector: _selector, template, ...rest } = spec as NonNullable<V1Job['spec']>;
  const own = relabelled(template.metadata) ?? {};
  const kept = Object.entries(own.labels ?? {}).filter(([key]) => !/controller-uid|job-name/.test(key));
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: name ?? '', labels: labels ?? {}, annotations: annotations ?? {} },
    spec: {
      ...rest,
      template: {
        spec: template.spec as NonNullable<typeof template.spec>,
        metadata: { labels: Object.fromEntries(kept), annotations: own.annotations ?? {} },
      },
    },
  };
}

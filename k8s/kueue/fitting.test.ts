import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterClient } from '../client/client.ts';
import { ClusterError } from '../client/errors.ts';
import { goldenSettings } from '../manifests/testing/golden.ts';
import { QUEUES_WITHOUT_KUEUE, withoutQueues } from './find.ts';
import { fittingSettings } from './fitting.ts';

const queued = goldenSettings({ queue: 'trials' });

/** A cluster that answers one question, which API groups it has, in the order of `answers`. */
function clusterThat(...answers: readonly (readonly string[] | ConstructorParameters<typeof ClusterError>[0])[]) {
  const warnings: string[] = [];
  let asked = 0;
  const get = async () => {
    const answer = answers[asked];
    asked += 1;
    if (answer === undefined) throw new Error('asked once more than expected');
    if (typeof answer === 'string') throw new ClusterError(answer, answer, { verb: 'get', resource: 'apis' });
    return { versions: answer.map((version) => ({ version })) };
  };
  const log = { info() {}, error() {}, warn: (_: object, message: string) => void warnings.push(message) };
  const fitting = (settings = queued) => fittingSettings({ get } as Pick<ClusterClient, 'get'>, settings, log);
  return { fitting, warnings, asked: () => asked };
}

test('no queue is named: the cluster is not asked', async () => {
  const { fitting, asked } = clusterThat();
  const settings = goldenSettings();
  assert.equal(await fitting(settings).current(), settings);
  assert.equal(await fitting(settings).note(), null);
  assert.equal(asked(), 0);
});

test('Kueue is there: asked once, and the settings stay', async () => {
  const { fitting, asked } = clusterThat(['v1beta1', 'v1beta2']);
  const one = fitting();
  assert.deepEqual(await Promise.all([one.current(), one.current(), one.note()]), [queued, queued, null]);
  assert.equal(await one.current(), queued);
  assert.equal(asked(), 1);
});

test('Kueue is absent, or has versions of another time: no queues, said once', async () => {
  for (const answer of ['not-found', ['v9']] as const) {
    const { fitting, warnings } = clusterThat(answer);
    const one = fitting();
    assert.deepEqual(await one.current(), withoutQueues(queued));
    assert.equal(await one.note(), QUEUES_WITHOUT_KUEUE);
    assert.deepEqual(warnings, [QUEUES_WITHOUT_KUEUE]);
  }
});

test('a cluster that does not answer says nothing about Kueue, and is asked again', async () => {
  const { fitting, warnings } = clusterThat('unreachable', ['v1beta2']);
  const one = fitting();
  await assert.rejects(one.current(), /unreachable/);
  assert.equal(await one.current(), queued);
  assert.deepEqual(warnings, []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Job, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import { ANNOTATIONS, LABELS, MANAGED_BY } from '../labels.ts';
import { attemptOf } from '../manifests/identity.ts';
import { AttemptTable, livePods } from './attempts.ts';

function metadata(attemptId: string, uid: string, version: number): V1ObjectMeta {
  return {
    name: uid,
    uid,
    resourceVersion: String(version),
    labels: { [LABELS.managedBy]: MANAGED_BY, [LABELS.attempt]: '1' },
    annotations: {
      [ANNOTATIONS.attemptId]: attemptId,
      [ANNOTATIONS.experimentId]: 'e',
      [ANNOTATIONS.trialId]: attemptId,
    },
  };
}
const job = (id: string, version: number, active = 0): V1Job => {
  return { metadata: metadata(id, `job-${id}`, version), status: { active } };
};
const pod = (id: string, version: number, phase = 'Running'): V1Pod => {
  return { metadata: metadata(id, `pod-${id}`, version), status: { phase } };
};

function table() {
  const changes: string[] = [];
  return { changes, attempts: new AttemptTable(attemptOf, ({ ref }) => changes.push(ref.attemptId)) };
}

test('old news do not undo newer ones', () => {
  const { attempts } = table();
  attempts.putJob(job('a', 5, 1));
  attempts.putJob(job('a', 4, 0));
  assert.equal(attempts.get('a')?.job?.status?.active, 1);
  attempts.putPod(pod('a', 7, 'Failed'));
  attempts.putPod(pod('a', 6, 'Running'));
  assert.equal(attempts.get('a')?.pods.get('pod-a')?.status?.phase, 'Failed');
});

test('a list takes away what it does not hold, except for what came into being after it was made', () => {
  const { attempts } = table();
  attempts.putJob(job('old', 5));
  attempts.putJob(job('new', 12));
  attempts.putPod(pod('old', 6));
  attempts.putPod(pod('new', 13));
  attempts.replaceJobs([], '10');
  attempts.replacePods([], '10');
  assert.equal(attempts.get('old')?.job, null);
  assert.notEqual(attempts.get('old')?.jobGoneAtMs, null);
  assert.deepEqual(livePods(attempts.get('old') ?? attempts.enter(never())), []);
  assert.equal(attempts.get('old')?.pods.size, 1, 'how it was last seen is kept');
  assert.notEqual(attempts.get('new')?.job, null);
  assert.equal(attempts.get('new')?.gonePods.size, 0);
});

test('a pod that is seen before its Job does not make the Job one that is gone', () => {
  const { attempts } = table();
  attempts.putPod(pod('a', 6));
  assert.equal(attempts.get('a')?.jobGoneAtMs, null);
  attempts.replaceJobs([], '4');
  assert.equal(attempts.get('a')?.jobGoneAtMs, null);
  attempts.replaceJobs([], '8');
  assert.notEqual(attempts.get('a')?.jobGoneAtMs, null);
});

test('a pod that is gone does not come back with late news', () => {
  const { attempts, changes } = table();
  attempts.putPod(pod('a', 6));
  attempts.removePod(pod('a', 8, 'Failed'));
  const before = changes.length;
  attempts.putPod(pod('a', 9, 'Running'));
  assert.equal(changes.length, before);
  assert.equal(attempts.get('a')?.pods.get('pod-a')?.status?.phase, 'Failed');
});

test('attempts are found by experiment until they are dropped', () => {
  const { attempts } = table();
  attempts.putJob(job('a', 1));
  attempts.putJob(job('b', 2));
  assert.deepEqual(
    attempts.ofExperiment('e').map(({ ref }) => ref.attemptId),
    ['a', 'b'],
  );
  for (const entry of attempts.ofExperiment('e')) attempts.drop(entry);
  assert.deepEqual(attempts.ofExperiment('e'), []);
  assert.equal(attempts.get('a'), undefined);
});

test('objects of others are not attempts', () => {
  const { attempts, changes } = table();
  assert.equal(attempts.putJob({ metadata: { name: 'x', uid: 'x', resourceVersion: '1' } }), null);
  assert.deepEqual(changes, []);
});

function never(): never {
  throw new Error('there is no such attempt');
}

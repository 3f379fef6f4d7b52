import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LABELS } from '../labels.ts';
import { LABEL_VALUE } from '../names.ts';
import { attemptOf, attemptSelector, contentHash } from './identity.ts';
import { jobManifest } from './job.ts';
import { goldenSettings } from './testing/golden.ts';
import { sampleLaunch } from './testing/launch.ts';

const refOf = ({ experimentId, trialId, attempt, attemptId }: ReturnType<typeof sampleLaunch>) => ({
  experimentId,
  trialId,
  attempt,
  attemptId,
});

test('whose a Job or a pod is can be read back from it, whatever the ids are', () => {
  const id = fc.string({ minLength: 1, maxLength: 100 });
  const ids = fc.record(
    { experimentId: id, trialId: id, attemptId: id, attempt: fc.integer({ min: 1, max: 1000 }) },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(ids, (launch) => {
      const job = jobManifest(sampleLaunch({ launch }), goldenSettings());
      assert.deepEqual(attemptOf(job.metadata), launch);
      assert.deepEqual(attemptOf(job.spec?.template.metadata), launch);
      for (const value of Object.values(job.metadata?.labels ?? {})) assert.match(value, LABEL_VALUE);
    }),
  );
});

test('what is not an attempt of ours, or is damaged, has no identity', () => {
  const { labels, annotations } = jobManifest(sampleLaunch(), goldenSettings()).metadata ?? {};
  assert.notEqual(attemptOf({ labels: { ...labels }, annotations: { ...annotations } }), null);
  assert.equal(attemptOf(undefined), null);
  assert.equal(attemptOf({ labels: { ...labels, [LABELS.managedBy]: 'Helm' }, annotations: { ...annotations } }), null);
  assert.equal(attemptOf({ labels: { ...labels, [LABELS.attempt]: 'two' }, annotations: { ...annotations } }), null);
  assert.equal(attemptOf({ labels: { ...labels } }), null);
});

test('the selector finds the labels that were written', () => {
  const launch = sampleLaunch({ launch: { experimentId: 'an id / that no label holds' } });
  const { labels = {} } = jobManifest(launch, goldenSettings()).metadata ?? {};
  const wanted = attemptSelector('lamina', launch.experimentId).split(',');
  assert.equal(wanted.length, 3);
  for (const one of wanted) {
    const [key = '', value] = one.split('=');
    assert.equal(labels[key], value, one);
  }
  assert.equal(attemptSelector('lamina'), 'app.kubernetes.io/managed-by=lamina,app.kubernetes.io/instance=lamina');
});

test('the content hash changes with what is asked for, and not with where things are mounted', () => {
  const launch = sampleLaunch();
  const moved = {
    ...launch,
    request: { ...launch.request, eventsUrl: null, paths: { output: '/a', checkpoints: '/b', cache: '/c' } },
  };
  assert.equal(contentHash(moved, 'lamina'), contentHash(launch, 'lamina'));
  assert.notEqual(contentHash(launch, 'nightly'), contentHash(launch, 'lamina'));
  const smaller = sampleLaunch({ plan: { microBatch: 2, accumulation: 4 } });
  assert.deepEqual(refOf(smaller), refOf(launch));
  assert.notEqual(contentHash(smaller, 'lamina'), contentHash(launch, 'lamina'));
});

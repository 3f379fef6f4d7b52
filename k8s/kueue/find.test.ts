import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LABELS } from '../labels.ts';
import { jobManifest } from '../manifests/job.ts';
import { goldenSettings } from '../manifests/testing/golden.ts';
import { sampleLaunch } from '../manifests/testing/launch.ts';
import { usesQueues, withoutQueues } from './find.ts';

const slice = { resource: 'nvidia.com/mig-1g.10gb', pricePerHour: 1 };
const classes = { slice: { ...slice, queue: 'slices' } };

test('a queue of the settings or of a class counts', () => {
  assert.equal(usesQueues(goldenSettings()), false);
  assert.equal(usesQueues(goldenSettings({ queue: 'trials' })), true);
  assert.equal(usesQueues(goldenSettings({ gpuClasses: classes })), true);
});

test('without Kueue nothing starts suspended, and nothing else changes', () => {
  const settings = goldenSettings({ queue: 'trials', gpuClasses: classes });
  const changed = withoutQueues(settings);
  for (const gpuClass of [null, 'slice']) {
    const job = jobManifest(sampleLaunch({ plan: { gpuClass } }), changed);
    assert.equal(job.spec?.suspend, undefined);
    assert.equal(job.metadata?.labels?.[LABELS.queueName], undefined);
  }
  assert.deepEqual(changed, goldenSettings({ gpuClasses: { slice } }));
});

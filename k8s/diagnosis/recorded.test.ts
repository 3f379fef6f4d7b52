/** What users are told about every situation that was recorded, word for word: read it as a user would. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { JOB, POD } from '../client/shapes.ts';
import { project } from '../client/testing/project.ts';
import { diagnose } from './diagnose.ts';
import { pendingReason } from './pending/pending.ts';
import { EXPECTED } from './testing/expected.ts';
import { recorded, recordingNames } from './testing/recordings.ts';
import { spoken } from './testing/spoken.ts';

test('every recording has its expectation, and every expectation its recording', () => {
  assert.deepEqual(Object.keys(EXPECTED).sort(), recordingNames());
});

for (const [name, expected] of Object.entries(EXPECTED)) {
  test(`${name}: ${expected.outcome}`, () => {
    const evidence = recorded(name);
    const end = diagnose(evidence);
    const said = end === null ? spoken(pendingReason(evidence)) : end.message;
    // Which of the cluster's nodes it was is chance.
    assert.equal(said?.replace(/\bnode[12]\b/g, 'gpu-1'), expected.says);
    assert.equal(end?.outcome ?? 'pending', expected.outcome);
    if (end === null) return;
    assert.equal(end.exitCode, expected.exitCode);
    assert.equal(end.node, evidence.pods[0]?.spec?.nodeName ?? null);
    assert.equal(end.memoryLimitBytes, expected.memoryLimitBytes);
    assert.ok(Date.parse(end.endedAt) <= evidence.nowMs, 'it ended before it was recorded');
  });

  test(`${name}: the same from the fields that watches read`, () => {
    const evidence = recorded(name);
    const { job, pods } = evidence;
    const seen = {
      ...evidence,
      job: job === null ? null : (project(job, JOB) as V1Job),
      pods: pods.map((pod) => project(pod, POD) as V1Pod),
    };
    assert.deepEqual(diagnose(seen), diagnose(evidence));
    assert.deepEqual(pendingReason(seen), pendingReason(evidence));
  });
}

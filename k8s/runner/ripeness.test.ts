import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { AttemptEntry } from '../watch/attempts.ts';
import { ripeness } from './ripeness.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');

function entryOf(more: Partial<AttemptEntry>): AttemptEntry {
  return {
    ref: { experimentId: 'e', trialId: 't', attempt: 1, attemptId: 'a' },
    job: null,
    jobGoneAtMs: null,
    pods: new Map(),
    gonePods: new Set(),
    endSeenAtMs: null,
    end: null,
    dismissed: false,
    enteredAtMs: NOW_MS,
    ...more,
  };
}
const jobWith = (...types: string[]): V1Job => {
  const conditions = types.map((type) => ({ type, status: 'True', reason: type }));
  return { metadata: { name: 'j', uid: 'j' }, spec: {}, status: { conditions } } as unknown as V1Job;
};
function podsWith(phase: string, exitCode: number | null): Map<string, V1Pod> {
  const state = exitCode === null ? { running: {} } : { terminated: { exitCode } };
  const pod = { metadata: { name: 'p', uid: 'p' }, status: { phase, containerStatuses: [{ name: 'trainer', state }] } };
  return new Map([['p', pod as unknown as V1Pod]]);
}
const ripe = (more: Partial<AttemptEntry>) => ripeness(entryOf(more), { nodes: new Map(), events: [], nowMs: NOW_MS });

test('what runs is alive, also where its Job has not been seen yet or is gone', () => {
  const pods = podsWith('Running', null);
  assert.equal(ripe({ job: jobWith(), pods }), 'alive');
  assert.equal(ripe({ pods: podsWith('Failed', 1) }), 'alive', 'the Job will be seen');
  assert.equal(ripe({ jobGoneAtMs: NOW_MS - 60_000, pods }), 'alive');
});

test('a success needs no other word; a failure waits for what the Job has to say', () => {
  assert.equal(ripe({ job: jobWith(), pods: podsWith('Succeeded', 0) }), 'ended');
  const failed = podsWith('Failed', 75);
  assert.ok(Number(ripe({ job: jobWith(), pods: failed })) > 0);
  assert.equal(ripe({ job: jobWith(), pods: failed, endSeenAtMs: NOW_MS - 5_000 }), 'ended');
  assert.equal(ripe({ job: jobWith('FailureTarget'), pods: failed }), 'ended');
});

test('a Job that is gone without a pod has ended, once a pod on its way would have been seen', () => {
  assert.ok(Number(ripe({ jobGoneAtMs: NOW_MS })) > 0);
  assert.equal(ripe({ jobGoneAtMs: NOW_MS - 5_000 }), 'ended');
  assert.equal(ripe({ jobGoneAtMs: NOW_MS, pods: podsWith('Failed', 75) }), 'ended');
});

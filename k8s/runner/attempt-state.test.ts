import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Job, V1Node, V1Pod } from '@kubernetes/client-node';
import type { AttemptEntry } from '../watch/attempts.ts';
import { endReadiness, stuckPods } from './attempt-state.ts';

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
const readinessOf = (more: Partial<AttemptEntry>) =>
  endReadiness(entryOf(more), { nodes: new Map(), events: [], nowMs: NOW_MS });

test('what runs is alive, also where its Job has not been seen yet or is gone', () => {
  const pods = podsWith('Running', null);
  assert.equal(readinessOf({ job: jobWith(), pods }), 'alive');
  assert.equal(readinessOf({ pods: podsWith('Failed', 1) }), 'alive', 'the Job will be seen');
  assert.equal(readinessOf({ jobGoneAtMs: NOW_MS - 60_000, pods }), 'alive');
});

test('a success needs no other word; a failure waits for what the Job has to say', () => {
  assert.equal(readinessOf({ job: jobWith(), pods: podsWith('Succeeded', 0) }), 'ended');
  const failed = podsWith('Failed', 75);
  assert.ok(Number(readinessOf({ job: jobWith(), pods: failed })) > 0);
  assert.equal(readinessOf({ job: jobWith(), pods: failed, endSeenAtMs: NOW_MS - 5_000 }), 'ended');
  assert.equal(readinessOf({ job: jobWith('FailureTarget'), pods: failed }), 'ended');
});

test('a Job that is gone without a pod has ended, once a pod on its way would have been seen', () => {
  assert.ok(Number(readinessOf({ jobGoneAtMs: NOW_MS })) > 0);
  assert.equal(readinessOf({ jobGoneAtMs: NOW_MS - 5_000 }), 'ended');
  assert.equal(readinessOf({ jobGoneAtMs: NOW_MS, pods: podsWith('Failed', 75) }), 'ended');
});

const DUE = '2026-01-01T00:00:00Z';
const LATER_MS = Date.parse(DUE) + 6_000;

function nodes(status: string | null): ReadonlyMap<string, V1Node> {
  return status === null
    ? new Map()
    : new Map([['n', { status: { conditions: [{ type: 'Ready', status }] } } as V1Node]]);
}
const deletingPod = (deletionTimestamp?: string): V1Pod => {
  const deleting = deletionTimestamp === undefined ? {} : { deletionTimestamp };
  return { metadata: { name: 'p', uid: 'u', ...deleting }, spec: { nodeName: 'n' } } as unknown as V1Pod;
};

test('a pod is stuck when its grace is over and its node does not answer', () => {
  const stuck = (status: string | null, of: V1Pod, nowMs = LATER_MS) =>
    stuckPods([of], { nodes: nodes(status), nowMs }).length;
  assert.equal(stuck('Unknown', deletingPod(DUE)), 1);
  assert.equal(stuck('False', deletingPod(DUE)), 1);
  assert.equal(stuck('True', deletingPod(DUE)), 0, 'the kubelet will end it');
  assert.equal(stuck(null, deletingPod(DUE)), 0, 'nothing is known of the node');
  assert.equal(stuck('Unknown', deletingPod()), 0, 'nobody has asked it to end');
  assert.equal(stuck('Unknown', deletingPod(DUE), Date.parse(DUE)), 0, 'it has time left');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { stuckPods } from './lost-pods.ts';

const DUE = '2026-01-01T00:00:00Z';
const LATER_MS = Date.parse(DUE) + 6_000;

function nodes(status: string | null): ReadonlyMap<string, V1Node> {
  return status === null
    ? new Map()
    : new Map([['n', { status: { conditions: [{ type: 'Ready', status }] } } as V1Node]]);
}
const pod = (deletionTimestamp?: string): V1Pod => {
  const deleting = deletionTimestamp === undefined ? {} : { deletionTimestamp };
  return { metadata: { name: 'p', uid: 'u', ...deleting }, spec: { nodeName: 'n' } } as unknown as V1Pod;
};

test('a pod is stuck when its grace is over and its node does not answer', () => {
  const stuck = (status: string | null, of: V1Pod, nowMs = LATER_MS) =>
    stuckPods([of], { nodes: nodes(status), nowMs }).length;
  assert.equal(stuck('Unknown', pod(DUE)), 1);
  assert.equal(stuck('False', pod(DUE)), 1);
  assert.equal(stuck('True', pod(DUE)), 0, 'the kubelet will end it');
  assert.equal(stuck(null, pod(DUE)), 0, 'nothing is known of the node');
  assert.equal(stuck('Unknown', pod()), 0, 'nobody has asked it to end');
  assert.equal(stuck('Unknown', pod(DUE), Date.parse(DUE)), 0, 'it has time left');
});

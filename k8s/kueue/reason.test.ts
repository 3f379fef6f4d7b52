import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { V1Job } from '@kubernetes/client-node';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import { queueReason } from './reason.ts';
import { workloadsByJob } from './workload.ts';

interface Recorded {
  readonly jobs: readonly V1Job[];
  readonly workloads: readonly Plain[];
}
interface Plain {
  readonly metadata: { readonly name: string; readonly creationTimestamp: string };
  readonly spec: object;
  readonly status: { readonly conditions: readonly { readonly type: string }[] };
}

/** Of Kueue 0.17: a queue of two GPUs, then one that was stopped. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'recorded/queue.json'), 'utf8')) as Recorded;
const byJob = workloadsByJob(recorded.workloads);

function jobOf(name: string): V1Job {
  const job = recorded.jobs.find(({ metadata }) => metadata?.name === name);
  assert.ok(job, name);
  return job;
}

function workloadOf(name: string): Plain {
  const workload = byJob.get(jobOf(name).metadata?.uid ?? '');
  assert.ok(workload, name);
  return workload as Plain;
}

const inFront = recorded.workloads.filter(({ metadata }) => !/evicted|stopped/.test(metadata.name));
const later = recorded.workloads.filter(({ metadata }) => /evicted|stopped/.test(metadata.name));

const waits = (position: number | null, text: string): PendingReason => {
  return { kind: 'queued', text, ...(position !== null && { position }) };
};
const stuck = (text: string): PendingReason => ({ kind: 'misconfigured', text });

const table: readonly (readonly [string, readonly object[], PendingReason | null])[] = [
  ['first', inFront, null],
  // A higher priority goes first, then who came earlier.
  [
    'urgent',
    inFront,
    waits(1, 'Number 1 in the queue "trials": 2 more nvidia.com/gpu have to become free in its quota.'),
  ],
  [
    'second',
    inFront,
    waits(2, 'Number 2 in the queue "trials": 2 more nvidia.com/gpu have to become free in its quota.'),
  ],
  [
    'third',
    inFront,
    waits(3, 'Number 3 in the queue "trials": 2 more nvidia.com/gpu have to become free in its quota.'),
  ],
  [
    'greedy',
    inFront,
    stuck(
      'In the queue "trials": it asks for 3 nvidia.com/gpu, and the queue may use 2 at most; ask for less, or raise the quota.',
    ),
  ],
  [
    'lost',
    inFront,
    stuck(
      'In the queue "nowhere": the LocalQueue "nowhere" does not exist; create it, or correct "queue" in the cluster settings.',
    ),
  ],
  [
    'evicted',
    later,
    stuck(
      'In the queue "trials": Kueue took its place away (The ClusterQueue is stopped); the ClusterQueue m-kueue-trials is inactive; an administrator of Kueue can change that.',
    ),
  ],
];

for (const [name, others, expected] of table) {
  test(`recorded: ${name}`, () => assert.deepEqual(queueReason(jobOf(name), workloadOf(name), others), expected));
}

test('without the other Workloads the position is that among those that are known', () => {
  assert.equal(queueReason(jobOf('third'), workloadOf('third'))?.position, 1);
});

test('no Workload: Kueue is absent, or has not looked yet', () => {
  const state = queueReason(jobOf('second'), null, inFront);
  assert.deepEqual([state?.kind, state?.position], ['queued', undefined]);
  assert.match(state?.text ?? '', /Kueue has not put the Job into the queue "trials" yet/);
});

test('a Job that somebody suspended by hand waits for them', () => {
  const job = { metadata: { name: 'a', labels: {} }, spec: { suspend: true } } as V1Job;
  assert.match(queueReason(job, null)?.text ?? '', /suspended by somebody/);
});

function changed(name: string, change: { spec?: object; status?: object; conditions?: readonly object[] }): object {
  const { metadata, spec, status } = workloadOf(name);
  const own = status.conditions.filter(
    ({ type }) => !change.conditions?.some((one) => (one as Plain['status']['conditions'][number]).type === type),
  );
  const conditions = [...own, ...(change.conditions ?? [])];
  return { metadata, spec: { ...spec, ...change.spec }, status: { ...status, ...change.status, conditions } };
}

const reserved = { type: 'QuotaReserved', status: 'True', reason: 'QuotaReserved', message: 'reserved' };

test('quota is reserved, and a check of the cluster is open', () => {
  const workload = changed('second', {
    conditions: [reserved],
    status: { admissionChecks: [{ name: 'nodes', state: 'Pending', message: 'Provisioning.' }] },
  });
  const found = queueReason(jobOf('second'), workload, inFront);
  assert.match(found?.text ?? '', /^In the queue "trials": its quota is reserved.*open: nodes \(Provisioning\)\.$/);
  assert.equal(found?.position, undefined);
});

test('who was sent back because pods did not start stands behind those who came meanwhile', () => {
  const evicted = { type: 'Evicted', status: 'True', reason: 'PodsReadyTimeout', message: 'Exceeded the timeout' };
  const second = workloadOf('second');
  const positionAt = (lastTransitionTime: string) => {
    const sentBack = changed('second', { conditions: [{ ...evicted, lastTransitionTime }] });
    const others = inFront.map((one) => (one === second ? sentBack : one));
    return queueReason(jobOf('second'), sentBack, others)?.position;
  };
  assert.equal(positionAt('2026-11-25T12:56:38Z'), 2);
  assert.equal(positionAt('2026-11-25T12:59:00Z'), 3);
});

test('a Workload that was deactivated does not come to its turn by itself', () => {
  const found = queueReason(jobOf('second'), changed('second', { spec: { active: false } }), inFront);
  assert.equal(found?.kind, 'misconfigured');
  assert.match(found?.text ?? '', /deactivated/);
});

test('a message that is not known is passed on', () => {
  const message = 'Workload was evicted to make room';
  const workload = changed('third', { conditions: [{ ...reserved, status: 'False', message }] });
  assert.match(queueReason(jobOf('third'), workload, inFront)?.text ?? '', /: Workload was evicted to make room\.$/);
});

test('what is not a Workload is none', () => {
  assert.match(queueReason(jobOf('second'), { kind: 'Status' })?.text ?? '', /not put the Job into the queue/);
});

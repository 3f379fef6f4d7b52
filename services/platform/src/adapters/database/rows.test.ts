/** Reasons for waiting in rows and events that an earlier release has written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventDataOf, toPendingReason } from './rows.ts';

const reason = { kind: 'queued', text: 'Number 2 in the queue.', position: 2 } as const;

test('a reason is kept as a document, and was kept as a sentence with its kind in front', () => {
  assert.deepEqual(toPendingReason(JSON.stringify(reason)), reason);
  assert.deepEqual(toPendingReason('queued: third in line'), { kind: 'queued', text: 'third in line' });
  assert.equal(toPendingReason(null), null);
});

test('an old event tells its reason like a new one; all else stays as it is', () => {
  const old = { attemptId: 'a', waiting: 'image-pull: no such tag' };
  assert.deepEqual(eventDataOf(old), { attemptId: 'a', waiting: { kind: 'image-pull', text: 'no such tag' } });
  for (const data of [{ waiting: reason }, { waiting: null }, { state: 'running' }])
    assert.equal(eventDataOf(data), data);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PENDING_KINDS, readPendingReason } from './pending.ts';

test('a reason of today is read as it is', () => {
  const reason = { kind: 'queued', text: 'Number 2 in the queue.', position: 2 } as const;
  assert.deepEqual(readPendingReason(reason), reason);
  assert.equal(readPendingReason(null), null);
  assert.equal(readPendingReason(undefined), null);
});

test('what an earlier release wrote is read as kind and text', () => {
  for (const kind of PENDING_KINDS) {
    assert.deepEqual(readPendingReason(`${kind}: No node: none is free.`), { kind, text: 'No node: none is free.' });
    assert.deepEqual(readPendingReason(kind), { kind, text: kind });
  }
  const text = 'The trainer is being started.';
  assert.deepEqual(readPendingReason(text), { kind: 'starting', text });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeenAttempt } from '../events.ts';
import { POLICY } from '../testing/failures.ts';
import { verdict } from './verdict.ts';

const healthy: SeenAttempt = {
  trialId: 'trial',
  attempt: 1,
  state: 'running',
  reason: null,
  end: null,
  aliveMs: 1000,
  silentMs: 1000,
};

test('an attempt is stopped when it is silent, late or finds no place', () => {
  const judged = (changes: Partial<SeenAttempt>) => verdict({ ...healthy, ...changes }, POLICY);
  assert.equal(judged({}), null);
  assert.equal(judged({ silentMs: 20_001 }), 'stalled');
  assert.equal(judged({ silentMs: null }), null);
  assert.equal(judged({ aliveMs: 60_001 }), null, 'the runner has its grace period first');
  assert.equal(judged({ aliveMs: 70_001 }), 'timed-out');
  assert.equal(judged({ state: 'pending', silentMs: 20_001 }), null);
  assert.equal(judged({ state: 'pending', aliveMs: 30_001 }), 'unschedulable');
  assert.equal(
    judged({ state: 'pending', aliveMs: 30_001, reason: { kind: 'image-pull', text: 'no such tag' } }),
    'image-pull',
  );
  assert.equal(
    judged({ state: 'pending', aliveMs: 30_001, reason: { kind: 'misconfigured', text: 'no such claim' } }),
    'invalid',
  );
  assert.equal(judged({ state: 'pending', aliveMs: 30_001, reason: { kind: 'queued', text: 'third in line' } }), null);
  assert.equal(judged({ state: 'pending', aliveMs: null }), null, 'in a queue of the cluster');
});

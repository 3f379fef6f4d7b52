import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finalState } from './finish.ts';

test('an experiment ends when no trial is open, failed if one failed, cancelled if it was cancelled', () => {
  assert.equal(finalState({ succeeded: 2, retrying: 1 }, false), null);
  assert.equal(finalState({ succeeded: 2, reused: 1, diverged: 1 }, false), 'succeeded');
  assert.equal(finalState({ succeeded: 2, failed: 1, cancelled: 1 }, false), 'failed');
  assert.equal(finalState({ succeeded: 2, failed: 1, cancelled: 1 }, true), 'cancelled');
  assert.equal(finalState({ succeeded: 2 }, true), 'succeeded');
  assert.equal(finalState({ succeeded: 2, cancelled: 1 }, false), 'cancelled');
  assert.equal(finalState({}, false), 'succeeded');
  assert.equal(finalState({ succeeded: 1, pruned: 2 }, false), 'succeeded');
});

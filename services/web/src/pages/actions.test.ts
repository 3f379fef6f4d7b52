import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionsFor } from './actions.ts';

test('what can be done follows the state, and a retry needs something to retry', () => {
  assert.deepEqual(actionsFor({ state: 'running', counts: { running: 1 } }), ['pause', 'cancel']);
  assert.deepEqual(actionsFor({ state: 'running', counts: { failed: 1 } }), ['pause', 'retry', 'cancel']);
  assert.deepEqual(actionsFor({ state: 'paused', counts: {} }), ['resume', 'cancel']);
  assert.deepEqual(actionsFor({ state: 'cancelling', counts: { failed: 1 } }), []);
  assert.deepEqual(actionsFor({ state: 'succeeded', counts: { succeeded: 3 } }), []);
  assert.deepEqual(actionsFor({ state: 'cancelled', counts: { cancelled: 3 } }), ['retry']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionsFor } from './actions.ts';

test('what can be done follows the state, and a retry needs something to retry', () => {
  assert.deepEqual(actionsFor({ state: 'running', counts: { running: 1 }, blocked: null }), ['pause', 'cancel']);
  assert.deepEqual(actionsFor({ state: 'running', counts: { failed: 1 }, blocked: null }), [
    'pause',
    'retry',
    'cancel',
  ]);
  assert.deepEqual(actionsFor({ state: 'paused', counts: {}, blocked: null }), ['resume', 'cancel']);
  assert.deepEqual(actionsFor({ state: 'cancelling', counts: { failed: 1 }, blocked: null }), []);
  assert.deepEqual(actionsFor({ state: 'succeeded', counts: { succeeded: 3 }, blocked: null }), []);
  const blocked = { activity: 'advance', sentence: '', lastError: '', since: '', retrying: true };
  assert.deepEqual(actionsFor({ state: 'running', counts: {}, blocked }), ['pause', 'cancel']);
  const givenUp = { ...blocked, retrying: false };
  assert.deepEqual(actionsFor({ state: 'running', counts: {}, blocked: givenUp }), ['resume', 'cancel']);
  assert.deepEqual(actionsFor({ state: 'cancelled', counts: { cancelled: 3 }, blocked: null }), ['retry']);
});

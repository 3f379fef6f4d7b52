import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptEnd } from '../../contract/runner.ts';
import { PLAIN_PLAN } from '../../contract/trial.ts';
import type { RunEvent } from '../events.ts';
import type { ActiveTrial, RunPolicy } from '../types.ts';
import { initialState, type RunState } from './state.ts';
import { step } from './step.ts';

const policy: RunPolicy = {
  maxParallel: 2,
  attempts: 3,
  maxAttempts: 5,
  backoff: { initialMs: 1000, factor: 2, maxMs: 1000 },
  trialDeadlineSeconds: null,
  startDeadlineSeconds: 60,
  stallSeconds: 60,
  graceSeconds: 5,
  reconcileMs: 1000,
  maxMemoryBytes: null,
};

const running: ActiveTrial = {
  trialId: 'a',
  attempt: 1,
  firstAttempt: 1,
  strikes: 0,
  stalls: 0,
  plan: PLAIN_PLAN,
  replanned: false,
  likeKey: 'like',
  phase: 'running',
  stopReason: null,
  dueAtMs: 0,
};

const PRUNED: RunEvent = { type: 'pruned', atMs: 0, trials: [{ trialId: 'a', message: 'behind others' }] };

function stateWith(trial: Partial<ActiveTrial>): RunState {
  return { ...initialState(policy, 'running'), exhausted: true, active: { a: { ...running, ...trial } } };
}

function after(state: RunState, ...events: readonly RunEvent[]): RunState {
  return events.reduce((before, event) => step(before, event).state, state);
}

function ended(outcome: AttemptEnd['outcome']): RunEvent {
  const end = { outcome, message: 'as it was', exitCode: null, node: null, endedAt: '2026-01-01T00:00:00Z' };
  return { type: 'attempts-ended', atMs: 0, attempts: [{ trialId: 'a', attempt: 1, end }] };
}

for (const phase of ['launching', 'running'] as const) {
  test(`an attempt that is ${phase} is stopped, and its trial is pruned once it has ended`, () => {
    const stopping = after(stateWith({ phase }), PRUNED, PRUNED);
    assert.deepEqual(stopping.stops, [{ trialId: 'a', attempt: 1 }]);
    assert.deepEqual(stopping.records, []);
    const [record, ...others] = after(stopping, ended('disrupted')).records;
    assert.deepEqual([record?.state, record?.message, record?.end?.outcome], ['pruned', 'behind others', 'disrupted']);
    assert.deepEqual(others, []);
  });
}

test('a trial that waits for its next attempt is pruned at once', () => {
  const { records, stops } = after(stateWith({ phase: 'waiting', attempt: 2 }), PRUNED);
  assert.deepEqual(records, [{ trialId: 'a', attempt: 2, end: null, state: 'pruned', message: 'behind others' }]);
  assert.deepEqual(stops, []);
});

for (const [outcome, state] of [
  ['succeeded', 'succeeded'],
  ['diverged', 'diverged'],
  ['crashed', 'pruned'],
  ['gpu-out-of-memory', 'pruned'],
] as const)
  test(`an attempt that ends as ${outcome} while it is stopped leaves its trial ${state}`, () => {
    assert.equal(after(stateWith({}), PRUNED, ended(outcome)).records[0]?.state, state);
  });

test('a trial that is stopped for another reason is not tried again', () => {
  const stalled = stateWith({ phase: 'stopping', stopReason: 'stalled' });
  assert.equal(after(stalled, PRUNED, ended('disrupted')).records[0]?.state, 'pruned');
});

test('what is recorded, cancelled or unknown stays as it is', () => {
  for (const trial of [{ phase: 'recording' }, { phase: 'stopping', stopReason: 'cancelled' }] as const) {
    const state = stateWith(trial);
    assert.deepEqual(after(state, PRUNED), state);
  }
  const empty = initialState(policy, 'running');
  assert.deepEqual(after(empty, PRUNED), empty);
});

test('cancelling goes before pruning', () => {
  const state = after(stateWith({}), PRUNED, { type: 'cancelled', atMs: 0 }, ended('disrupted'));
  assert.equal(state.records[0]?.state, 'cancelled');
});

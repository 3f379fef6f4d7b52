import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SetAside } from '../contract/devices.ts';
import { blamed, evidenceAgainst, isSetAside, setAsideAfter } from './set-aside.ts';
import { deviceOf } from './testing/devices.ts';

const atMs = Date.parse('2026-01-01T12:00:00Z');
const fault = { device: 'GPU-0', attemptId: 'e-t-1', atMs, message: 'The GPU failed: Xid 79', evidence: null };

test('faults without a success in between: a pause, a longer one, then a person', () => {
  const untils: (string | null)[] = [];
  let before: SetAside | null = null;
  for (let count = 1; count <= 4; count += 1) {
    before = setAsideAfter(fault, before);
    assert.equal(before.faults, count);
    untils.push(before.until);
  }
  assert.deepEqual(untils, ['2026-01-01T12:05:00.000Z', '2026-01-01T13:00:00.000Z', null, null]);
});

test('what NVML has against the device as well is not paused for', () => {
  const found = setAsideAfter({ ...fault, evidence: '3 uncorrected memory errors' }, null);
  assert.equal(found.until, null);
  assert.equal(found.reason, '3 uncorrected memory errors; The GPU failed: Xid 79');
});

test('a pause ends by itself, and without an end only by a person', () => {
  const { until } = setAsideAfter(fault, null);
  assert.ok(isSetAside({ until }, atMs) && isSetAside({ until }, atMs + 299_999));
  assert.ok(!isSetAside({ until }, atMs + 300_000));
  assert.ok(isSetAside({ until: null }, atMs + 1e12));
});

test('what NVML has against a device', () => {
  assert.equal(evidenceAgainst(deviceOf(0)), null);
  assert.equal(evidenceAgainst(deviceOf(0, { uncorrectedErrors: null })), null);
  assert.match(evidenceAgainst(deviceOf(0, { uncorrectedErrors: 1 })) ?? '', /^1 uncorrected memory error$/);
  assert.equal(evidenceAgainst(deviceOf(0, { problem: 'GPU is lost' })), 'GPU is lost');
  assert.match(evidenceAgainst(undefined) ?? '', /not list/);
});

test('of several devices those are blamed that NVML has something against, else all', () => {
  assert.deepEqual(blamed(['a', 'b'], new Map([['a', null]])), ['a', 'b']);
  assert.deepEqual(blamed(['a', 'b'], new Map([['b', 'GPU is lost']])), ['b']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterErrorKind, errorOf } from './errors.ts';

const REQUEST = { verb: 'create', resource: 'jobs' };
const NOW_MS = Date.parse('2026-01-01T00:00:00Z');

const ANSWERS: readonly [number, string, string, ClusterErrorKind][] = [
  [403, 'Forbidden', 'jobs.batch "a" is forbidden: exceeded quota: q, requested: count/jobs.batch=1', 'quota'],
  [
    403,
    'Forbidden',
    'jobs.batch is forbidden: User "u" cannot create resource "jobs" in API group "batch"',
    'lacks-permission',
  ],
  [403, 'Forbidden', 'jobs.batch "a" is forbidden: status unknown for quota: q, resources: count/jobs.batch', 'quota'],
  [403, 'Forbidden', 'admission webhook "w" denied the request: no', 'denied'],
  [404, 'NotFound', 'jobs.batch "a" not found', 'not-found'],
  [409, 'AlreadyExists', 'jobs.batch "a" already exists', 'already-exists'],
  [409, 'Conflict', 'the object has been modified', 'conflict'],
  [410, 'Expired', 'too old resource version', 'gone'],
  [422, 'Invalid', 'Job.batch "a" is invalid', 'invalid'],
  [429, 'TooManyRequests', 'slow down', 'too-many-requests'],
  [503, 'ServiceUnavailable', 'the server is shutting down', 'server'],
];

test('answers are told apart as far as callers act on them', () => {
  for (const [status, reason, message, kind] of ANSWERS) {
    const error = errorOf(status, JSON.stringify({ kind: 'Status', reason, message }), REQUEST, null, NOW_MS);
    assert.equal(error.kind, kind, message);
    assert.equal(error.status, status);
    assert.ok(error.message.includes(message));
  }
});

test('a permission that lacks is named', () => {
  const message = 'leases.coordination.k8s.io is forbidden: User "u" cannot update resource "leases" in API group "c"';
  const error = errorOf(403, JSON.stringify({ message }), REQUEST, null, NOW_MS);
  assert.match(error.message, /^The account has no permission to update leases: /);
});

test('what is no Status is quoted', () => {
  const error = errorOf(502, '<h1>Bad Gateway</h1>', REQUEST, null, NOW_MS);
  assert.equal(error.kind, 'server');
  assert.equal(error.message, '<h1>Bad Gateway</h1>');
  assert.equal(errorOf(500, '', REQUEST, null, NOW_MS).message, 'HTTP 500');
});

test('Retry-After is seconds or a date', () => {
  const wait = (value: string | null) => errorOf(429, '', REQUEST, value, NOW_MS).retryAfterMs;
  assert.equal(wait('3'), 3_000);
  assert.equal(wait('Thu, 01 Jan 2026 00:00:05 GMT'), 5_000);
  assert.equal(wait('soon'), null);
  assert.equal(wait(null), null);
});

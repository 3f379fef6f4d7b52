import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ClusterError, type ClusterErrorKind } from './errors.ts';
import { RETRY, retrying, waitBefore } from './retry.ts';

const of = (kind: ClusterErrorKind, retryAfterMs: number | null = null) =>
  new ClusterError(kind, kind, { verb: 'get', resource: 'jobs' }, { retryAfterMs });

test('only what can pass is tried again', () => {
  for (const kind of ['too-many-requests', 'server', 'unreachable'] as const) {
    assert.notEqual(waitBefore(of(kind), 1, 0, RETRY, 0.5), null);
  }
  for (const kind of ['not-found', 'lacks-permission', 'invalid', 'conflict', 'quota', 'gone'] as const) {
    assert.equal(waitBefore(of(kind), 1, 0, RETRY, 0.5), null);
  }
  assert.equal(waitBefore(new TypeError('a mistake of ours'), 1, 0, RETRY, 0.5), null);
});

test('waits grow, honour Retry-After, and never reach beyond the bound', () => {
  const tries = fc.integer({ min: 1, max: 30 });
  const elapsed = fc.integer({ min: 0, max: 30_000 });
  const after = fc.option(fc.integer({ min: 0, max: 60_000 }));
  fc.assert(
    fc.property(tries, elapsed, after, fc.double({ min: 0, max: 0.999, noNaN: true }), (n, ms, retryAfter, random) => {
      const waitMs = waitBefore(of('server', retryAfter), n, ms, RETRY, random);
      if (waitMs === null) return;
      assert.ok(waitMs >= (retryAfter ?? 0) && ms + waitMs <= RETRY.withinMs);
      assert.ok(waitMs <= Math.max(RETRY.longestMs, retryAfter ?? 0));
    }),
  );
  const [first, third] = [1, 3].map((n) => waitBefore(of('server'), n, 0, RETRY, 0.5)) as [number, number];
  assert.ok(third > first);
});

test('work is repeated until it succeeds, and the last error is the one that is told', async () => {
  const { signal } = new AbortController();
  let calls = 0;
  const policy = { withinMs: 1_000, firstMs: 1, longestMs: 1 };
  const third = async () => {
    calls += 1;
    if (calls < 3) throw of('unreachable');
    return calls;
  };
  assert.equal(await retrying(third, policy, signal), 3);
  const never = () => retrying(async () => Promise.reject(of('server')), { ...policy, withinMs: 5 }, signal);
  await assert.rejects(never, { kind: 'server' });
});

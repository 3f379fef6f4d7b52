import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from './rate-limit.ts';

test('a burst passes at once, what is more is spread, and who gives up frees nobody else', async () => {
  const limit = new RateLimit(100);
  const startedMs = performance.now();
  const order: number[] = [];
  await Promise.all(Array.from({ length: 130 }, (_, at) => limit.take().then(() => order.push(at))));
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs >= 250, `30 beyond the burst of 100 at 100 a second, in ${tookMs} ms`);
  assert.deepEqual(
    order,
    [...order].toSorted((a, b) => a - b),
  );
  await assert.rejects(limit.take(AbortSignal.abort(new Error('closed'))), /closed|aborted/);
});

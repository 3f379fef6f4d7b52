import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base } from '../spec/arbitrary.ts';
import { parseDocument } from '../spec/parse.ts';
import { parallelOn, runPolicy } from './plan.ts';

test('the policy of a document, in the units of the run loop', () => {
  const parsed = parseDocument({
    ...base,
    policy: { maxParallel: 4, trialDeadline: '2h', backoff: { initial: '500ms', factor: 3, max: '1m' } },
    resources: { maxMemory: '1GiB' },
  });
  assert.ok(parsed.ok);
  assert.deepEqual(runPolicy(parsed.document), {
    maxParallel: 4,
    attempts: 3,
    maxAttempts: 20,
    backoff: { initialMs: 500, factor: 3, maxMs: 60_000 },
    trialDeadlineSeconds: 7200,
    startDeadlineSeconds: 1800,
    stallSeconds: 600,
    graceSeconds: 60,
    reconcileMs: 60_000,
    maxMemoryBytes: 2 ** 30,
    pauseAfterGpuFault: true,
  });
});

test('attempts alive at once: as the document says, else as many as the GPUs of the machine can take', () => {
  const parallel = (policy: object, parallel?: number) => {
    const parsed = parseDocument({ ...base, policy });
    assert.ok(parsed.ok);
    return runPolicy(parsed.document, [], parallel).maxParallel;
  };
  assert.deepEqual([parallel({}), parallel({}, 8), parallel({ maxParallel: 3 }, 8)], [1, 8, 3]);
  const plans = (...gpus: number[]) => gpus.map((each) => ({ gpus: each }));
  assert.equal(parallelOn(8, plans(1, 1)), 8);
  assert.equal(parallelOn(8, plans(4, 2)), 4);
  assert.equal(parallelOn(2, plans(4)), 1);
  assert.equal(parallelOn(8, plans(0, 0)), 1);
  assert.equal(parallelOn(0, plans(1)), 1);
});

test('a memory request may be raised to four times itself where the document names no bound', () => {
  const bound = (resources: object) => {
    const parsed = parseDocument({ ...base, resources });
    assert.ok(parsed.ok);
    return runPolicy(parsed.document).maxMemoryBytes;
  };
  assert.equal(bound({ memory: '2GiB' }), 8 * 2 ** 30);
  assert.equal(bound({ memory: '2GiB', maxMemory: '3GiB' }), 3 * 2 ** 30);
  assert.equal(bound({}), null);
});

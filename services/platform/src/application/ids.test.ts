import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newExperimentId } from './ids.ts';

test('ids are Kubernetes names and sort by time', () => {
  const moments = fc.integer({ min: 0, max: 2 ** 45 });
  fc.assert(
    fc.property(moments, moments, (a, b) => {
      const [first, second] = [newExperimentId(new Date(a)), newExperimentId(new Date(b))];
      assert.match(first, /^e-[0-9a-z]{18}$/);
      if (a !== b) assert.equal(first < second, a < b);
    }),
  );
});

test('ids of one moment differ', () => {
  const now = new Date();
  assert.equal(new Set(Array.from({ length: 1000 }, () => newExperimentId(now))).size, 1000);
});

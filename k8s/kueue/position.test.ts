import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { positionOf } from './position.ts';
import { readWorkload, type Workload } from './workload.ts';

const anyWorkload = fc.record({
  priority: fc.integer({ min: -2, max: 2 }),
  second: fc.integer({ min: 0, max: 5 }),
  queueName: fc.constantFrom('a', 'b'),
  reserved: fc.boolean(),
});

const anyQueue = fc.array(anyWorkload, { minLength: 1, maxLength: 30 }).map((all) =>
  all.map(({ priority, second, queueName, reserved }, index) => {
    const read = readWorkload({
      metadata: { name: `w${index}`, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
      spec: { priority, queueName },
      status: { conditions: [{ type: 'QuotaReserved', status: reserved ? 'True' : 'False' }] },
    });
    assert.ok(read);
    return read;
  }),
);

test('in each queue every waiting Workload has a position of its own, from 1, by priority and then by time', () => {
  fc.assert(
    fc.property(anyQueue, (all) => {
      for (const queue of ['a', 'b']) {
        const placed = all
          .filter(({ spec }) => spec.queueName === queue)
          .flatMap((one): [number, Workload][] => {
            const position = positionOf(one, all);
            return position === null ? [] : [[position, one]];
          })
          .toSorted(([a], [b]) => a - b);
        assert.deepEqual(
          placed.map(([position]) => position),
          placed.map((_, index) => index + 1),
        );
        for (const [index, [, one]] of placed.entries()) {
          const next = placed[index + 1]?.[1];
          if (next === undefined) continue;
          assert.ok(one.spec.priority >= next.spec.priority);
          if (one.spec.priority > next.spec.priority) continue;
          assert.ok(one.metadata.creationTimestamp <= next.metadata.creationTimestamp);
        }
      }
      const waiting = all.filter(({ status }) => status.conditions[0]?.status !== 'True');
      assert.equal(all.filter((one) => positionOf(one, all) !== null).length, waiting.length);
    }),
  );
});

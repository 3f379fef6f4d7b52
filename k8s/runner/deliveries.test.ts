import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptObservation } from '@lamina/domain/contract/runner.ts';
import { Deliveries } from './deliveries.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

function ended(attemptId: string): AttemptObservation {
  return { experimentId: 'e', trialId: 't', attempt: 1, attemptId, state: 'ended', reason: null, end: null };
}

test('what ends together travels together, a batch that fails comes again, and nothing is owed then', async () => {
  const batches: string[][] = [];
  const done = Promise.withResolvers<void>();
  const deliveries = new Deliveries(async (batch) => {
    batches.push(batch.map(({ attemptId }) => attemptId));
    if (batches.length === 1) {
      deliveries.add(ended('c'));
      throw new Error('not now');
    }
    done.resolve();
  }, log);
  deliveries.add(ended('a'));
  deliveries.add(ended('b'));
  assert.equal(deliveries.owes('a'), true);
  await done.promise;
  await deliveries.close();
  assert.deepEqual(batches, [
    ['a', 'b'],
    ['a', 'b', 'c'],
  ]);
  assert.equal(
    ['a', 'b', 'c'].some((id) => deliveries.owes(id)),
    false,
  );
});

test('after it is closed nothing is handed over', async () => {
  let calls = 0;
  const deliveries = new Deliveries(async () => {
    calls += 1;
  }, log);
  deliveries.add(ended('a'));
  await deliveries.close();
  deliveries.add(ended('b'));
  await deliveries.close();
  assert.ok(calls <= 1);
  assert.equal(deliveries.owes('b'), false);
});

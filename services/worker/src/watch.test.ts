/** What a worker that takes over does with ends that the one before it has recorded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';
import type { AttemptObservation } from '@lamina/domain/contract/runner.ts';
import { type WatchDependencies, watchRunner } from './watch.ts';

const END = { outcome: 'succeeded', message: '', exitCode: 0, node: null, endedAt: '2026-01-01T00:00:00Z' } as const;

function ended(experimentId: string, trialId: string): AttemptObservation {
  const attemptId = `${experimentId}-${trialId}`;
  return { experimentId, trialId, attempt: 1, attemptId, state: 'ended', reason: null, end: END };
}

/** What is told to whom when `ends` are handed over; the store has recorded those of trial "a". */
async function handedOver(states: Readonly<Record<string, string>>, ends: readonly AttemptObservation[]) {
  const told = { forgotten: [] as string[], cleared: [] as string[], signalled: [] as string[] };
  const runner = {
    async forget(refs: readonly AttemptRef[]) {
      told.forgotten.push(...refs.map(({ attemptId }) => attemptId));
    },
    async clear(experimentId: string) {
      told.cleared.push(experimentId);
    },
    async watch(handler: (batch: readonly AttemptObservation[]) => Promise<void>) {
      await handler(ends);
      return { close: async () => undefined };
    },
  };
  const store = {
    getAttempts: async (ids: readonly string[]) =>
      ids.filter((id) => id.endsWith('-a')).map((attemptId) => ({ attemptId, end: END })),
    getExperiment: async (id: string) => ({ id, state: states[id] }),
  };
  const getHandle = (id: string) => ({ signal: async () => void told.signalled.push(id) });
  const log = { info: () => undefined };
  await watchRunner({ runner, store, client: { workflow: { getHandle } }, log } as unknown as WatchDependencies);
  return told;
}

test('Jobs of an experiment that is over go, though the worker that ended it did not come to that', async () => {
  const ends = [ended('over', 'a'), ended('going', 'a'), ended('going', 'b')];
  const told = await handedOver({ over: 'succeeded', going: 'running' }, ends);
  assert.deepEqual(told.forgotten, ['over-a', 'going-a']);
  assert.deepEqual(told.cleared, ['over']);
  assert.equal(told.signalled.length, 1, 'of what is not recorded yet');
  assert.match(told.signalled[0] ?? '', /going/);
});

/** What every store must do with the events of trials and experiments, whatever database it sits on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { TrialEvent } from '@lamina/domain/contract/trial.ts';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import { AttemptEnded, UnknownAttempt } from '@lamina/platform/application/ports/errors.ts';
import { resultOf } from '../support/planned.ts';
import { AT, describeStore, endOf, type OpenDatabase } from './store-under-test.ts';

export function storeEventsConformance(name: string, open: OpenDatabase, options: { skip?: string } = {}): void {
  describeStore(`events in the store on ${name}`, open, options, (under) => {
    const { experiment, run } = under;

    test('trainer events are stored once each, whatever the order', async () => {
      const { id, trials } = await experiment(1, 1);
      const attemptId = await run(id, trials[0] as PlannedTrial);
      assert.deepEqual(await under.store.appendTrialEvents(attemptId, steps(1, 3)), { accepted: 3, lastSeq: 3 });
      assert.deepEqual(await under.store.appendTrialEvents(attemptId, steps(2, 3)), { accepted: 0, lastSeq: 3 });
      assert.deepEqual(await under.store.appendTrialEvents(attemptId, steps(6, 7)), { accepted: 2, lastSeq: 3 });
      assert.deepEqual(await under.store.appendTrialEvents(attemptId, steps(3, 5)), { accepted: 2, lastSeq: 7 });
      assert.deepEqual(await under.store.listTrialEvents(attemptId, 2, 3), steps(3, 5));
      const attempt = await under.store.getAttempt(attemptId);
      assert.equal(attempt?.step, 7);
      assert.equal(attempt.lastSeq, 7);
      assert.notEqual(attempt.lastEventAt, null);
      const page = await under.store.listTrials(id, { limit: 1, cursor: null });
      assert.deepEqual(page.items[0]?.progress, { attemptId, phase: null, step: 7, steps: 100, waiting: null });
      await assert.rejects(under.store.appendTrialEvents('a-unknown', steps(1, 1)), UnknownAttempt);
      await under.store.endAttempts([{ attemptId, end: endOf('succeeded') }]);
      await assert.rejects(under.store.appendTrialEvents(attemptId, steps(8, 8)), AttemptEnded);
    });

    test('what a late batch measured is not told with the newer step', async () => {
      const { id, trials } = await experiment(1, 1);
      const attemptId = await run(id, trials[0]!);
      const phase: TrialEvent = { seq: 1, at: AT, type: 'phase', phase: 'training' };
      await under.store.appendTrialEvents(attemptId, [phase, ...steps(6, 7)]);
      await under.store.appendTrialEvents(attemptId, [phase, ...steps(2, 5)]);
      const told = (await under.store.experimentEvents(id, 0, 100)).filter(({ type }) => type === 'metrics');
      assert.deepEqual(
        told.map(({ data }) => {
          const { step, loss, tokensPerSecond } = data as Record<string, unknown>;
          return [step, loss, tokensPerSecond];
        }),
        [
          [7, 3, 100],
          [7, null, null],
        ],
      );
    });

    test('the history of an experiment has no gap and can be resumed at any point', async () => {
      const { id, trials } = await experiment(2, 2);
      await Promise.all(
        trials.map(async (trial) => {
          const attemptId = await run(id, trial);
          await under.store.appendTrialEvents(attemptId, [{ seq: 1, at: AT, type: 'phase', phase: 'loading' }]);
          await under.store.appendTrialEvents(attemptId, steps(2, 4));
          await under.store.endAttempts([{ attemptId, end: endOf('succeeded') }]);
          await under.store.recordOutcomes(id, [
            { trialId: trial.id, state: 'succeeded', message: null, result: resultOf(trial, attemptId) },
          ]);
        }),
      );
      await under.store.setExperimentState(id, 'succeeded');
      const all = await under.store.experimentEvents(id, 0, 1000);
      assert.deepEqual(
        all.map((event) => event.id),
        all.map((_, index) => index + 1),
      );
      assert.deepEqual(
        Object.fromEntries(
          Object.entries(Object.groupBy(all, (event) => event.type)).map(([type, list]) => [type, list.length]),
        ),
        {
          experiment: 2,
          attempt: 8,
          trial: 8,
          metrics: 4,
        },
      );
      const last = all.at(-1);
      assert.deepEqual(last?.data, { state: 'succeeded', counts: { succeeded: 4 } });
      assert.deepEqual(await under.store.experimentEvents(id, all.length - 1, 1000), [last]);
      assert.equal((await under.store.experimentEvents(id, 0, 2)).length, 2);
    });

    test('why an attempt waits is kept and told once, and so is that it runs', async () => {
      const { id, trials } = await experiment();
      const attemptId = await run(id, trials[0]!);
      const told = async () =>
        (await under.store.experimentEvents(id, 0, 100)).flatMap(({ type, data }) =>
          type === 'attempt' ? [(data as { waiting?: PendingReason | null }).waiting] : [],
        );
      const note = (state: 'pending' | 'running', reason: PendingReason | null) =>
        under.store.noteAttempts(id, [{ attemptId, state, reason }]);
      const third: PendingReason = { kind: 'queued', text: 'Third in line.', position: 3 };
      await note('pending', third);
      await note('pending', { ...third });
      assert.deepEqual((await under.store.getAttempt(attemptId))?.waiting, third);
      assert.deepEqual((await under.store.getTrials(id, [trials[0]!.id]))[0]?.progress?.waiting, third);
      assert.equal((await under.store.getAttempt(attemptId))?.runningAt, null);
      await note('running', null);
      const { waiting, runningAt } = (await under.store.getAttempts([attemptId, 'unknown']))[0] ?? {};
      assert.equal(waiting, null);
      assert.ok(runningAt);
      await note('running', null);
      assert.equal((await under.store.getAttempt(attemptId))?.runningAt, runningAt);
      assert.deepEqual(await told(), [undefined, third, null]);
    });

    test('listeners hear of changes', async () => {
      const { id, trials } = await experiment(1, 1);
      const { promise, resolve } = Promise.withResolvers<string | null>();
      const stop = under.store.onExperimentEvents((changed) => {
        if (changed === id) resolve(changed);
      });
      await run(id, trials[0] as PlannedTrial);
      assert.equal(await promise, id);
      stop();
    });
  });
}

function steps(from: number, to: number): TrialEvent[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    seq: from + index,
    at: AT,
    type: 'step',
    step: from + index,
    steps: 100,
    loss: 3,
    learningRate: 1e-4,
    gradNorm: null,
    stepSeconds: 0.5,
    tokensPerSecond: 100,
    memoryBytes: null,
  }));
}

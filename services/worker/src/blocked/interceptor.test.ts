import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockedActivity } from '@lamina/domain/contract/blocked.ts';
import { UnknownExperiment } from '@lamina/platform/application/ports/errors.ts';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { finalError } from '../final-errors.ts';
import { blockedInterceptor } from './interceptor.ts';

/** A worker's interceptor over a store that keeps marks, or is away. */
function harness() {
  const marks: Record<string, BlockedActivity> = {};
  const cleared: (readonly string[])[] = [];
  const state = { away: false, gone: false };
  const answer = () => {
    if (state.away) throw new Error('the store is away');
    if (state.gone) throw new UnknownExperiment('there is no experiment e');
  };
  const unwritten = new Set<string>();
  const interceptor = blockedInterceptor({
    store: {
      async markBlocked(_id, activity, failing) {
        answer();
        marks[activity] = failing;
      },
      async clearBlocked(_id, activities) {
        answer();
        cleared.push(activities);
      },
    },
    log: { info() {}, warn() {}, error() {} },
    unwritten,
  });
  async function attempt(number: number, work: () => Promise<unknown>, isCancelled = false): Promise<unknown> {
    const context = {
      info: {
        activityType: 'advance',
        activityId: '7',
        attempt: number,
        scheduledTimestampMs: 0,
        workflowExecution: { workflowId: 'experiment/e', runId: 'r' },
      },
      cancellationSignal: isCancelled ? AbortSignal.abort() : new AbortController().signal,
    } as Context;
    return interceptor(context).inbound?.execute?.({ args: [], headers: {} }, work);
  }
  return { marks, cleared, state, unwritten, attempt };
}

const fails = (error: unknown) => () => Promise.reject(error);
const away = new Error('no space left');
const lost = finalError('UnknownTrial', 'trial t is not in experiment e');

test('the third failure is marked, and the error stays what it was', async () => {
  const { marks, attempt } = harness();
  await assert.rejects(attempt(2, fails(away)), away);
  assert.deepEqual(marks, {});
  await assert.rejects(attempt(3, fails(away)), away);
  assert.equal(marks['advance']?.lastError, 'no space left');
});

test('a success is one only once its mark is gone', async () => {
  const { cleared, state, attempt } = harness();
  state.away = true;
  await assert.rejects(
    attempt(4, async () => 'done'),
    /the store is away/,
  );
  state.away = false;
  assert.equal(await attempt(5, async () => 'done'), 'done');
  assert.deepEqual(cleared, [['advance']]);
});

test('while the store is away the worker knows, and the error is still that of the activity', async () => {
  const { state, unwritten, attempt } = harness();
  state.away = true;
  await assert.rejects(attempt(3, fails(away)), away);
  assert.deepEqual([...unwritten], ['e']);
  state.away = false;
  await assert.rejects(attempt(4, fails(away)), away);
  assert.equal(unwritten.size, 0);
});

test('nothing is given up before the store has it: until then it is tried again', async () => {
  const { marks, state, attempt } = harness();
  state.away = true;
  await assert.rejects(attempt(1, fails(lost)), (error) => !(error instanceof ApplicationFailure));
  state.away = false;
  await assert.rejects(attempt(2, fails(lost)), lost);
  assert.equal(marks['advance']?.retrying, false);
});

test('an experiment that the store does not know is given up, and nothing is there to be marked', async () => {
  const { state, attempt } = harness();
  state.gone = true;
  await assert.rejects(attempt(1, fails(new UnknownExperiment('there is no experiment e'))), (error) => {
    assert.ok(error instanceof ApplicationFailure);
    assert.deepEqual([error.type, error.nonRetryable], ['UnknownExperiment', true]);
    return true;
  });
});

test('what is cancelled says nothing of the experiment', async () => {
  const { marks, attempt } = harness();
  await assert.rejects(attempt(9, fails(new CancelledFailure('shutdown'))));
  await assert.rejects(attempt(9, fails(away), true));
  assert.deepEqual(marks, {});
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILURE_CLASSES } from '../../contract/runner.ts';
import { failureOf } from '../testing/failures.ts';
import { decide } from './table.ts';

/** Which classes end a trial at its first failure, and which use up a retry. */
const ACTIONS = {
  invalid: 'fail',
  'gpu-out-of-memory': 'retry',
  'host-out-of-memory': 'strike',
  'gpu-fault': 'retry',
  disrupted: 'retry',
  stalled: 'strike',
  'timed-out': 'fail',
  unschedulable: 'fail',
  'image-pull': 'fail',
  crashed: 'strike',
} as const;

for (const failureClass of FAILURE_CLASSES) {
  test(`${failureClass}: ${ACTIONS[failureClass]}`, () => {
    const decision = decide(failureClass, failureOf({}));
    const action = decision.action === 'retry' && decision.strike === true ? 'strike' : decision.action;
    assert.equal(action, ACTIONS[failureClass]);
  });

  test(`${failureClass} never goes beyond maxAttempts`, () => {
    const failure = failureOf({ trial: { attempt: 7, firstAttempt: 5 }, policy: { maxAttempts: 3 } });
    assert.equal(decide(failureClass, failure).action, 'fail');
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { USES_UP_ATTEMPTS } from '../../../failures/published.ts';
import { FAILURE_CLASSES, FAILURES, type FailureClass } from '../../../failures/registry.ts';
import { FAILURE_CASES } from '../../../failures/testing/cases.ts';
import { failureOf } from '../../testing/failures.ts';
import { decide } from './table.ts';
import type { Decision } from './types.ts';

for (const failureClass of FAILURE_CLASSES) {
  const { after } = FAILURE_CASES[failureClass];
  test(`${failureClass}: ${after}`, () => {
    assert.equal(actionOf(decide(failureClass, failureOf({}))), after);
  });

  test(`${failureClass}: the guide says whether a failure uses up one of the attempts`, () => {
    const action = actionOf(decide(failureClass, failureOf({ plan: { memoryBytes: 400 } })));
    const uses = { fail: '–', retry: 'no', strike: 'yes' }[action];
    assert.equal(USES_UP_ATTEMPTS[FAILURES[failureClass].policy], uses);
  });

  test(`${failureClass} never goes beyond maxAttempts`, () => {
    const failure = failureOf({ trial: { attempt: 7, firstAttempt: 5 }, policy: { maxAttempts: 3 } });
    assert.equal(decide(failureClass, failure).action, 'fail');
  });
}

test('a class that only a later release knows counts as a crash', () => {
  const failure = failureOf({});
  assert.deepEqual(decide('haunted' as FailureClass, failure), decide('crashed', failure));
});

function actionOf(decision: Decision): 'fail' | 'retry' | 'strike' {
  return decision.action === 'retry' && decision.strike === true ? 'strike' : decision.action;
}

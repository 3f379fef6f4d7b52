import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ControlUnavailable, ExperimentNotRunning } from '../../application/ports/control.ts';
import { isPassing, translated } from './errors.ts';

function grpc(code: number): Error {
  return Object.assign(new Error(`code ${code}`), { code, details: 'what happened', metadata: {} });
}
const wrapped = (code: number): Error => new ServiceError('Workflow Update failed', { cause: grpc(code) });

describe('errors of the engine', () => {
  const cases: readonly (readonly [string, unknown, new (message: string) => Error, boolean])[] = [
    [
      'a workflow that has ended',
      new WorkflowNotFoundError('gone', 'experiment/e', undefined),
      ExperimentNotRunning,
      false,
    ],
    [
      'a deadline that has passed',
      new WorkflowUpdateRPCTimeoutOrCancelledError('late', { cause: grpc(4) }),
      ControlUnavailable,
      false,
    ],
    ['a server that is away', wrapped(14), ControlUnavailable, false],
    ['a workflow that is busy', wrapped(8), ControlUnavailable, true],
    ['a workflow whose task failed', wrapped(9), ControlUnavailable, true],
    [
      'an update that was dropped',
      new WorkflowUpdateFailedError('dropped', new Error('not processed')),
      ControlUnavailable,
      true,
    ],
    ['a server that is broken inside', grpc(13), ControlUnavailable, false],
    ['a namespace that is not allowed', wrapped(7), ServiceError, false],
    ['an error of our own', new TypeError('oops'), TypeError, false],
  ];
  for (const [what, error, expected, passing] of cases) {
    test(`${what}: ${expected.name}${passing ? ', asked again' : ''}`, () => {
      assert.ok(translated(error) instanceof expected);
      assert.equal(isPassing(error), passing);
    });
  }
});

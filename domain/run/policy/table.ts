import type { FailureClass } from '../../contract/runner.ts';
import { crashed } from './crashed.ts';
import { disrupted } from './disrupted.ts';
import { gpuFault } from './gpu-fault.ts';
import { gpuOutOfMemory } from './gpu-out-of-memory.ts';
import { hostOutOfMemory } from './host-out-of-memory.ts';
import { invalid } from './invalid.ts';
import { stalled } from './stalled.ts';
import { timedOut } from './timed-out.ts';
import type { Decision, Failure, FailurePolicy } from './types.ts';
import { unplaceable } from './unplaceable.ts';

const FAILURE_POLICIES: Readonly<Record<FailureClass, FailurePolicy>> = {
  invalid,
  'gpu-out-of-memory': gpuOutOfMemory,
  'host-out-of-memory': hostOutOfMemory,
  'gpu-fault': gpuFault,
  disrupted,
  stalled,
  'timed-out': timedOut,
  unschedulable: unplaceable,
  'image-pull': unplaceable,
  crashed,
};

/** The policy of the class, within the bound on attempts for any reason. */
export function decide(failureClass: FailureClass, failure: Failure): Decision {
  const decision = FAILURE_POLICIES[failureClass](failure);
  const attempts = failure.trial.attempt - failure.trial.firstAttempt + 1;
  if (decision.action === 'retry' && attempts >= failure.policy.maxAttempts) {
    return { action: 'fail', message: `gave up after ${attempts} attempts: ${failure.end.message}` };
  }
  return decision;
}

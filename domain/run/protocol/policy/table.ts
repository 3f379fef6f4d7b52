import { FAILURES, type FailureClass, type PolicyName } from '../../../failures/registry.ts';
import { crashed } from './crashed.ts';
import { disrupted } from './disrupted.ts';
import { fail } from './fail.ts';
import { gpuFault } from './gpu-fault.ts';
import { gpuOutOfMemory } from './gpu-out-of-memory.ts';
import { hostOutOfMemory } from './host-out-of-memory.ts';
import { stalled } from './stalled.ts';
import type { Decision, Failure, FailurePolicy } from './types.ts';

const POLICIES: Readonly<Record<PolicyName, FailurePolicy>> = {
  fail,
  'smaller-plan': gpuOutOfMemory,
  'more-memory': hostOutOfMemory,
  'other-node': gpuFault,
  resume: disrupted,
  'resume-once': stalled,
  retry: crashed,
};

/** The policy of the class, within the bound on attempts for any reason. */
export function decide(failureClass: FailureClass, failure: Failure): Decision {
  const decision = POLICIES[policyOf(failureClass)](failure);
  const attempts = failure.trial.attempt - failure.trial.firstAttempt + 1;
  if (decision.action === 'retry' && attempts >= failure.policy.maxAttempts) {
    return { action: 'fail', message: `gave up after ${attempts} attempts: ${failure.end.message}` };
  }
  return decision;
}

/** A class that a worker of a later release has named, and this one does not know, counts as a crash. */
function policyOf(failureClass: FailureClass): PolicyName {
  const known: Partial<typeof FAILURES> = FAILURES;
  return (known[failureClass] ?? FAILURES.crashed).policy;
}

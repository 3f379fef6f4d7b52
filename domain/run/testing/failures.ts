/** Failures for the policies' tests. */
import type { AttemptEnd } from '../../contract/runner.ts';
import type { Failure } from '../protocol/policy/types.ts';
import type { ActiveTrial, Plan, RunPolicy } from '../types.ts';

export const PLAN: Plan = {
  gpuClass: null,
  gpus: 0,
  microBatch: 4,
  accumulation: 2,
  checkpointing: false,
  memoryBytes: null,
  excludedNodes: [],
};

export const POLICY: RunPolicy = {
  maxParallel: 2,
  attempts: 3,
  maxAttempts: 10,
  backoff: { initialMs: 1000, factor: 2, maxMs: 5000 },
  trialDeadlineSeconds: 60,
  startDeadlineSeconds: 30,
  stallSeconds: 20,
  graceSeconds: 5,
  reconcileMs: 1000,
  maxMemoryBytes: 1000,
};

const TRIAL: ActiveTrial = {
  trialId: 'trial',
  attempt: 1,
  firstAttempt: 1,
  strikes: 0,
  stalls: 0,
  plan: PLAN,
  replanned: false,
  likeKey: 'like',
  phase: 'running',
  stopReason: null,
  dueAtMs: 0,
};

export function failureOf(changes: {
  trial?: Partial<ActiveTrial>;
  plan?: Partial<Plan>;
  policy?: Partial<RunPolicy>;
  end?: Partial<AttemptEnd>;
}): Failure {
  const end: AttemptEnd = {
    outcome: 'crashed',
    message: 'why',
    exitCode: 1,
    node: null,
    endedAt: '2026-01-01T00:00:00Z',
  };
  return {
    trial: { ...TRIAL, ...changes.trial, plan: { ...PLAN, ...changes.plan } },
    policy: { ...POLICY, ...changes.policy },
    end: { ...end, ...changes.end },
  };
}

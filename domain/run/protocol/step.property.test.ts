import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SimulatedWorld, type StepFunction } from '../testing/simulated-world.ts';
import type { RunPolicy } from '../types.ts';
import { step } from './step.ts';

const OPERATIONS = [
  ...['dispatch', 'dispatch', 'dispatch', 'deliver', 'deliver', 'deliver', 'execute', 'end', 'end', 'end', 'signal'],
  ...[
    'signal',
    'drop',
    'lose',
    'orphan',
    'zombie',
    'silence',
    'time',
    'time',
    'reconcile',
    'pause',
    'resume',
    'resume',
  ],
  ...['prune', 'prune', 'cancel', 'wake', 'extend', 'retry', 'restart'],
] as const;

const number = fc.nat({ max: 10_000 });
const script = fc.array(fc.tuple(fc.constantFrom(...OPERATIONS), number, number), { maxLength: 150, size: 'max' });
const policies = fc.record({
  maxParallel: fc.integer({ min: 1, max: 4 }),
  attempts: fc.integer({ min: 1, max: 3 }),
  maxAttempts: fc.integer({ min: 1, max: 6 }),
});

function policy(limits: { maxParallel: number; attempts: number; maxAttempts: number }): RunPolicy {
  return {
    ...limits,
    backoff: { initialMs: 1000, factor: 2, maxMs: 60_000 },
    trialDeadlineSeconds: null,
    startDeadlineSeconds: 600,
    stallSeconds: 60,
    graceSeconds: 5,
    reconcileMs: 1000,
    maxMemoryBytes: 4000,
    gpuClasses: ['small', 'large'],
  };
}

/** Random orders, losses, repetitions and restarts; then everything comes to its end. */
function violationsOf(stepFunction: StepFunction, runs: number): string | null {
  const property = fc.property(
    policies,
    fc.integer({ min: 0, max: 8 }),
    script,
    number,
    (limits, trials, acts, choice) => {
      const world = new SimulatedWorld(stepFunction, policy(limits), trials);
      for (const [operation, a, b] of acts) world.act(operation, a, b);
      const ended = world.drain(choice);
      if (ended) world.checkEnded();
      else world.violations.push(`never ends: ${JSON.stringify(world.state)}`);
      assert.deepEqual(world.violations, []);
    },
  );
  const result = fc.check(property, { numRuns: runs, seed: 20_260 });
  return result.failed ? (fc.defaultReportMessage(result)?.slice(0, 4000) ?? 'failed') : null;
}

test('the invariants of a run hold in any order of events, losses, repetitions and restarts', () => {
  assert.equal(violationsOf(step, 4000), null);
});

const PLANTED: Record<string, StepFunction> = {
  'claims too many': (state, event) => {
    const taken = step(state, event);
    const { commands } = taken;
    if (commands?.claim == null) return taken;
    return { ...taken, commands: { ...commands, claim: { ...commands.claim, limit: commands.claim.limit + 1 } } };
  },
  'ignores cancel for waiting trials': (state, event) => {
    if (event.type !== 'cancelled') return step(state, event);
    return { ...step(state, event), state: { ...step(state, event).state, status: 'running' } };
  },
  'forgets ends that overtake their claim': (state, event) => {
    if (event.type !== 'attempts-ended' && event.type !== 'reconcile-due') return step(state, event);
    return event.type === 'reconcile-due'
      ? { state, commands: null }
      : { ...step(state, event), state: { ...step(state, event).state, early: [] } };
  },
  'believes a missing attempt to be alive': (state, event) => {
    if (event.type !== 'dispatched' || event.result.seen === null) return step(state, event);
    return step(state, { ...event, result: { ...event.result, seen: null } });
  },
  'takes an old attempt for the new one': (state, event) => {
    if (event.type !== 'attempts-ended') return step(state, event);
    const attempts = event.attempts.map((one) => ({
      ...one,
      attempt: state.active[one.trialId]?.attempt ?? one.attempt,
    }));
    return step(state, { ...event, attempts });
  },
  'lets pruned trials go on': (state, event) => {
    return event.type === 'pruned' ? { state, commands: null } : step(state, event);
  },
  'prunes what has succeeded': (state, event) => {
    const taken = step(state, event);
    if (taken.commands === null) return taken;
    const records = taken.commands.records.map((one) =>
      one.end?.outcome === 'succeeded' && state.active[one.trialId]?.stopReason === 'pruned'
        ? { ...one, state: 'pruned' as const }
        : one,
    );
    return { ...taken, commands: { ...taken.commands, records } };
  },
  'changes the effective batch': (state, event) => {
    const taken = step(state, event);
    if (taken.commands === null) return taken;
    const launches = taken.commands.launches.map((one) => ({ ...one, plan: { ...one.plan, accumulation: 1 } }));
    return { ...taken, commands: { ...taken.commands, launches } };
  },
  'ends while a trial is open': (state, event) => {
    const taken = step(state, event);
    return event.type === 'dispatched' && event.result.claimed.length === 0 && event.result.refused.length > 0
      ? { ...taken, state: { ...taken.state, status: 'ended' } }
      : taken;
  },
};

for (const [name, planted] of Object.entries(PLANTED)) {
  test(`a reducer that ${name} is caught`, () => {
    assert.notEqual(violationsOf(planted, 4000), null);
  });
}

/**
 * What an experiment must survive, each run for real: the integration tests run them, and the recorder keeps their
 * histories for the replay test. The name says what the scenario protects.
 */
import assert from 'node:assert/strict';
import { experimentWorkflowId } from '@lamina/domain/contract/workflow.ts';
import type { TrialState } from '@lamina/domain/vocabulary/states.ts';
import { PREPARATION_SCENARIOS } from './generation-scenarios.ts';
import { type Orchestra, until } from './orchestra.ts';

export type Scenario = (orchestra: Orchestra, id: string) => Promise<void>;

const RUN = { do: 'run' } as const;
const SUCCEED = { do: 'end', outcome: 'succeeded' } as const;
const CRASH = { do: 'end', outcome: 'crashed', message: 'segmentation fault' } as const;

async function counts(o: Orchestra, id: string, expected: Partial<Record<TrialState, number>>): Promise<void> {
  assert.deepEqual((await o.store.getExperiment(id))?.counts, expected);
}

function launchesOf(o: Orchestra, id: string) {
  return o.launches.filter((launch) => launch.experimentId === id);
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...PREPARATION_SCENARIOS,

  'every-trial-runs-once': async (o, id) => {
    o.script(() => SUCCEED);
    await o.submit(id, o.trials(id, 3, 3));
    assert.equal(await o.ended(id), 'succeeded');
    await counts(o, id, { succeeded: 9 });
    const launches = launchesOf(o, id);
    assert.equal(launches.length, 9);
    assert.ok(launches.every((launch) => launch.request.resume === false && launch.attempt === 1));
    const [trial] = await o.store.getTrials(id, [launches[0]?.trialId ?? '']);
    assert.equal(trial?.result?.trialId, launches[0]?.trialId);
  },

  'out-of-memory-replans-and-like-trials-profit': async (o, id) => {
    o.script(({ request: { plan } }) => (plan.microBatch > 2 ? { do: 'end', outcome: 'gpu-out-of-memory' } : SUCCEED));
    await o.submit(id, o.trials(id, 1, 3, 8), { maxParallel: 1 });
    assert.equal(await o.ended(id), 'succeeded');
    const plans = launchesOf(o, id).map(({ attempt, request: { plan, resume } }) => {
      return [attempt, plan.microBatch, plan.accumulation, resume];
    });
    assert.deepEqual(plans, [
      [1, 8, 4, false],
      [2, 4, 8, true],
      [3, 2, 16, true],
      [1, 2, 16, false],
      [1, 2, 16, false],
    ]);
  },

  'a-crash-is-retried-with-back-off-until-attempts-are-used-up': async (o, id) => {
    const trials = o.trials(id, 1, 3);
    const hopeless = trials[1]?.id;
    o.script(({ trialId, attempt }) => (trialId === hopeless || attempt === 1 ? CRASH : SUCCEED));
    const before = performance.now();
    await o.submit(id, trials, { attempts: 3 });
    assert.equal(await o.ended(id), 'failed');
    assert.ok(performance.now() - before >= 300, 'two back-offs, of 100 and 200 ms');
    await counts(o, id, { succeeded: 2, failed: 1 });
    const [failed] = await o.store.getTrials(id, [hopeless ?? '']);
    assert.equal(failed?.message, 'segmentation fault');
    assert.equal(failed?.attempts, 3);
    const attempts = await o.store.listAttempts(id, hopeless);
    assert.deepEqual(
      attempts.map((one) => one.end?.outcome),
      ['crashed', 'crashed', 'crashed'],
    );
  },

  'a-success-without-a-valid-result-is-a-crash': async (o, id) => {
    o.script(() => SUCCEED);
    o.breakResults(true);
    try {
      await o.submit(id, o.trials(id, 1, 1), { attempts: 1 });
      assert.equal(await o.ended(id), 'failed');
    } finally {
      o.breakResults(false);
    }
    const [attempt] = await o.store.listAttempts(id);
    assert.equal(attempt?.end?.outcome, 'crashed');
    assert.match(attempt?.end?.message ?? '', /result\.json is not valid/);
  },

  'a-diverged-trial-is-a-result-and-an-invalid-one-is-not-retried': async (o, id) => {
    const trials = o.trials(id, 1, 2);
    o.script(({ trialId }) => ({ do: 'end', outcome: trialId === trials[0]?.id ? 'diverged' : 'invalid' }));
    await o.submit(id, trials);
    assert.equal(await o.ended(id), 'failed');
    await counts(o, id, { diverged: 1, failed: 1 });
    assert.equal(launchesOf(o, id).length, 2);
  },

  'pause-lets-attempts-end-and-starts-nothing-until-resume': async (o, id) => {
    o.script(({ attempt }) => (attempt === 1 ? RUN : SUCCEED));
    await o.submit(id, o.trials(id, 1, 3), { maxParallel: 1 });
    await until(() => launchesOf(o, id).length === 1, 'the first attempt is launched');
    await o.control.pause(id);
    assert.equal((await o.store.getExperiment(id))?.state, 'paused');
    o.runner.kill(launchesOf(o, id)[0]?.attemptId ?? '');
    await until(async () => (await o.store.listAttempts(id))[0]?.end != null, 'the attempt has ended');
    await counts(o, id, { retrying: 1, pending: 2 });
    assert.equal(launchesOf(o, id).length, 1);
    o.script(() => SUCCEED);
    await o.control.resume(id);
    assert.equal(await o.ended(id), 'succeeded');
    assert.equal(launchesOf(o, id).length, 4);
  },

  'cancel-stops-attempts-and-starts-nothing-more': async (o, id) => {
    o.script(() => RUN);
    await o.submit(id, o.trials(id, 2, 3), { maxParallel: 2 });
    await until(() => launchesOf(o, id).length === 2, 'two attempts are launched');
    await o.control.cancel(id);
    assert.equal(await o.ended(id), 'cancelled');
    await counts(o, id, { cancelled: 6 });
    assert.equal(launchesOf(o, id).length, 2);
    assert.deepEqual(
      (await o.runner.list(id)).filter((one) => one.state !== 'ended'),
      [],
    );
  },

  'retry-after-the-end-runs-only-what-failed': async (o, id) => {
    const trials = o.trials(id, 1, 3);
    o.script(({ trialId }) => (trialId === trials[0]?.id ? { do: 'end', outcome: 'invalid' } : SUCCEED));
    await o.submit(id, trials);
    assert.equal(await o.ended(id), 'failed');
    o.script(() => SUCCEED);
    assert.equal(await o.store.resetTrials(id, { states: ['failed'] }), 1);
    await o.control.wake(id);
    assert.equal(await o.ended(id), 'succeeded');
    await counts(o, id, { succeeded: 3 });
    assert.deepEqual(
      launchesOf(o, id).map((launch) => launch.attempt),
      [1, 1, 1, 2],
    );
  },

  'extend-adds-trials-to-a-running-and-to-an-ended-experiment': async (o, id) => {
    const trials = o.trials(id, 1, 4);
    o.script(() => RUN);
    await o.submit(id, trials.slice(0, 1));
    await until(() => launchesOf(o, id).length === 1, 'the first attempt is launched');
    const plans = Object.fromEntries(launchesOf(o, id).map(({ request }) => [trials[0]?.cell.id, request.plan]));
    o.script(() => SUCCEED);
    await o.store.addTrials(id, trials.slice(1, 3), plans, { reuse: false });
    await o.control.wake(id);
    await until(() => launchesOf(o, id).length === 3, 'the added trials run alongside the first');
    o.runner.kill(launchesOf(o, id)[0]?.attemptId ?? '');
    assert.equal(await o.ended(id), 'succeeded');
    await o.store.addTrials(id, trials.slice(3), plans, { reuse: false });
    await o.control.wake(id);
    assert.equal(await o.ended(id), 'succeeded');
    await counts(o, id, { succeeded: 4 });
  },

  'a-stalled-attempt-is-stopped-and-resumed-once': async (o, id) => {
    const trials = o.trials(id, 1, 2);
    o.script(({ trialId, attempt }) => (trialId === trials[0]?.id || attempt === 1 ? RUN : SUCCEED));
    await o.submit(id, trials, { attempts: 3, stallSeconds: 0.2, reconcileMs: 200 });
    assert.equal(await o.ended(id), 'failed');
    await counts(o, id, { succeeded: 1, failed: 1 });
    const attempts = await o.store.listAttempts(id, trials[0]?.id);
    assert.deepEqual(
      attempts.map((one) => one.end?.outcome),
      ['stalled', 'stalled'],
    );
  },

  'a-lost-attempt-is-found-missing-and-resumed': async (o, id) => {
    o.script(({ attempt }) => (attempt === 1 ? RUN : SUCCEED));
    await o.submit(id, o.trials(id, 1, 1), { reconcileMs: 200 });
    await until(() => launchesOf(o, id).length === 1, 'the attempt is launched');
    o.runner.lose(launchesOf(o, id)[0]?.attemptId ?? '');
    assert.equal(await o.ended(id), 'succeeded');
    const [first, second] = await o.store.listAttempts(id);
    assert.deepEqual([first?.end?.outcome, second?.end?.outcome], ['disrupted', 'succeeded']);
    assert.equal(launchesOf(o, id)[1]?.request.resume, true);
  },

  'an-attempt-beyond-its-deadline-fails-its-trial': async (o, id) => {
    o.script(() => RUN);
    await o.submit(id, o.trials(id, 1, 1), { trialDeadlineSeconds: 0.3 });
    assert.equal(await o.ended(id), 'failed');
    const [attempt] = await o.store.listAttempts(id);
    assert.equal(attempt?.end?.outcome, 'timed-out');
  },

  'a-restarted-worker-goes-on-where-the-last-one-was': async (o, id) => {
    o.script(() => ({ do: 'end', outcome: 'succeeded', afterMs: 100 }));
    await o.submit(id, o.trials(id, 3, 4));
    await until(() => launchesOf(o, id).length >= 4, 'attempts are launched');
    await o.restartWorker();
    assert.equal(await o.ended(id), 'succeeded');
    await counts(o, id, { succeeded: 12 });
    assert.ok([...o.runner.starts.values()].every((starts) => starts === 1));
  },

  'a-trial-that-an-activity-given-up-for-dead-took-away-is-run-after-all': async (o, id) => {
    const trials = o.trials(id, 1, 3);
    o.script(() => ({ do: 'end', outcome: 'succeeded', afterMs: 300 }));
    await o.submit(id, trials.slice(0, 1), { reconcileMs: 200 });
    const first = () => launchesOf(o, id)[0];
    await until(() => first() !== undefined, 'the first attempt is launched');
    const plan = first()?.request.plan;
    assert.ok(plan !== undefined);
    const plans = { [trials[0]?.cell.id ?? '']: plan };
    await o.store.addTrials(id, trials.slice(1), plans, { reuse: false });
    const [taken] = await o.store.claimTrials(id, 1_000_000, 1);
    assert.ok(taken !== undefined);
    const { trialId, attempt } = taken;
    await o.store.startAttempts([{ attemptId: `${id}-x`, experimentId: id, trialId, attempt, plan }]);
    await o.control.wake(id);
    assert.equal(await o.ended(id), 'succeeded');
    await counts(o, id, { succeeded: 3 });
  },

  'a-long-run-continues-as-new-and-loses-nothing': async (o, id) => {
    o.script(({ attempt }) => (attempt === 1 ? { do: 'end', outcome: 'disrupted', afterMs: 10 } : SUCCEED));
    await o.submit(id, o.trials(id, 5, 8), { maxParallel: 2 });
    const first = (await o.temporal.client.workflow.getHandle(experimentWorkflowId(id)).describe()).runId;
    assert.equal(await o.ended(id), 'succeeded');
    await counts(o, id, { succeeded: 40 });
    const last = (await o.temporal.client.workflow.getHandle(experimentWorkflowId(id)).describe()).runId;
    assert.notEqual(last, first);
    assert.equal(launchesOf(o, id).length, 80);
  },
};

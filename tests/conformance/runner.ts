/** What every JobRunner must do. An implementation brings a harness; the suite brings the demands. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptLaunch, AttemptObservation, JobRunner } from '@lamina/domain/contract/runner.ts';
import type { FailureClass } from '@lamina/domain/failures/registry.ts';

/** What the trainer of an attempt is to do. */
export type Behaviour =
  | { readonly kind: 'succeed' }
  | { readonly kind: 'diverge' }
  /** Ends with this code, without a result. */
  | { readonly kind: 'exit'; readonly code: number }
  /** Runs until it is asked to stop, then saves a checkpoint and ends with the resumable code. */
  | { readonly kind: 'run' }
  /** Runs on, whatever it is asked. */
  | { readonly kind: 'ignore-stop' }
  /** Is killed from outside. */
  | { readonly kind: 'killed' };

export interface Limits {
  readonly deadlineSeconds: number | null;
  readonly graceSeconds: number;
}

export interface RunnerHarness {
  /** A runner over the same state; the one before it must have been abandoned. */
  open(): Promise<JobRunner>;
  /** Drops the runner as a killed scheduler would: nothing is told to the attempts. */
  abandon(runner: JobRunner): Promise<void>;
  /** A launch with fresh identities. */
  item(behaviour: Behaviour, limits?: Partial<Limits>): AttemptLaunch;
  /** A launch that this runner cannot carry out, and what it ends as. */
  broken(): { readonly item: AttemptLaunch; readonly outcome: FailureClass };
  /** How many times the attempt's trainer has been started. */
  starts(item: AttemptLaunch): Promise<number>;
  close(): Promise<void>;
}

export interface SuiteOptions {
  /** Why it cannot be run here. */
  readonly skip?: string | undefined;
  /** How long an attempt may take to get where it is expected, milliseconds. */
  readonly patienceMs?: number;
  /** Between two looks, milliseconds. */
  readonly pollMs?: number;
}

export function describeRunner(
  name: string,
  createHarness: () => Promise<RunnerHarness>,
  { skip, patienceMs = 20_000, pollMs = 20 }: SuiteOptions = {},
): void {
  describe(`JobRunner: ${name}`, { skip: skip ?? false }, () => {
    let harness: RunnerHarness;
    let runner: JobRunner;
    before(async () => {
      harness = await createHarness();
      runner = await harness.open();
    });
    after(async () => {
      await harness.close();
    });

    async function observed(item: AttemptLaunch): Promise<AttemptObservation | undefined> {
      return (await runner.list(item.experimentId)).find((each) => each.attemptId === item.attemptId);
    }
    async function untilState(item: AttemptLaunch, state: AttemptObservation['state']): Promise<AttemptObservation> {
      const giveUpAt = performance.now() + patienceMs;
      for (;;) {
        const observation = await observed(item);
        if (observation?.state === state) return observation;
        assert.ok(performance.now() < giveUpAt, `${item.attemptId} is not ${state}: ${JSON.stringify(observation)}`);
        await sleep(pollMs);
      }
    }
    /** Running, and past the moments in which a trainer has no signal handler yet. */
    async function untilSettled(item: AttemptLaunch): Promise<void> {
      await untilState(item, 'running');
      await sleep(200);
    }
    async function outcome(item: AttemptLaunch): Promise<string | undefined> {
      await runner.launch([item]);
      return (await untilState(item, 'ended')).end?.outcome;
    }

    test('an attempt with a valid result has succeeded', async () => {
      const item = harness.item({ kind: 'succeed' });
      const [launched] = await runner.launch([item]);
      assert.equal(launched?.attemptId, item.attemptId);
      const { end, ...ref } = await untilState(item, 'ended');
      assert.equal(end?.outcome, 'succeeded');
      assert.equal(end?.exitCode, 0);
      assert.ok(!Number.isNaN(Date.parse(end?.endedAt ?? '')));
      assert.equal(ref.trialId, item.trialId);
      assert.equal(ref.attempt, item.attempt);
    });

    test('a diverged result is diverged', async () => {
      assert.equal(await outcome(harness.item({ kind: 'diverge' })), 'diverged');
    });

    for (const [code, expected] of [
      [0, 'crashed'],
      [1, 'crashed'],
      [64, 'invalid'],
      [65, 'gpu-out-of-memory'],
      [66, 'host-out-of-memory'],
      [67, 'gpu-fault'],
      [75, 'disrupted'],
    ] as const) {
      test(`exit code ${code} without a result is ${expected}`, async () => {
        assert.equal(await outcome(harness.item({ kind: 'exit', code })), expected);
      });
    }

    test('an attempt that something kills is disrupted', async () => {
      assert.equal(await outcome(harness.item({ kind: 'killed' })), 'disrupted');
    });

    test('launching again, at the same time or later, adopts what is there', async () => {
      const item = harness.item({ kind: 'run' });
      await Promise.all([runner.launch([item]), runner.launch([item]), runner.launch([item, item])]);
      await untilState(item, 'running');
      await runner.launch([item]);
      await sleep(200);
      assert.equal(await harness.starts(item), 1);
      await runner.stop([item], 5);
      await untilState(item, 'ended');
      const [again] = await runner.launch([item]);
      assert.equal(again?.state, 'ended');
      assert.equal(await harness.starts(item), 1);
    });

    test('one bad item does not fail its batch', async () => {
      const good = harness.item({ kind: 'succeed' });
      const { item: bad, outcome: expected } = harness.broken();
      const observations = await runner.launch([bad, good]);
      assert.deepEqual(
        observations.map((each) => each.attemptId),
        [bad.attemptId, good.attemptId],
      );
      assert.equal((await untilState(good, 'ended')).end?.outcome, 'succeeded');
      assert.equal(observations[0]?.state, 'ended');
      assert.equal(observations[0]?.end?.outcome, expected);
    });

    test('a stop lets the trainer save its checkpoint; stopping twice and stopping the unknown change nothing', async () => {
      const item = harness.item({ kind: 'run' });
      await runner.launch([item]);
      await untilSettled(item);
      await runner.stop([item], 10);
      await runner.stop([item, harness.item({ kind: 'run' })], 10);
      const { end } = await untilState(item, 'ended');
      assert.equal(end?.outcome, 'disrupted');
      assert.equal(end?.exitCode, 75);
      await runner.stop([item], 10);
    });

    test('a trainer that ignores the stop is killed after its grace period', async () => {
      const item = harness.item({ kind: 'ignore-stop' });
      await runner.launch([item]);
      await untilSettled(item);
      const before = performance.now();
      await runner.stop([item], 0.5);
      const { end } = await untilState(item, 'ended');
      assert.equal(end?.outcome, 'disrupted');
      assert.ok(performance.now() - before >= 400, 'it had its grace period');
    });

    test('at its deadline an attempt is timed-out, even where it ignores the stop', async () => {
      const polite = harness.item({ kind: 'run' }, { deadlineSeconds: 1 });
      const stubborn = harness.item({ kind: 'ignore-stop' }, { deadlineSeconds: 1, graceSeconds: 0.5 });
      await runner.launch([polite, stubborn]);
      assert.equal((await untilState(polite, 'ended')).end?.outcome, 'timed-out');
      assert.equal((await untilState(stubborn, 'ended')).end?.outcome, 'timed-out');
    });

    test('ended attempts reach the watcher, and again when its handler failed', async () => {
      const items = [harness.item({ kind: 'succeed' }), harness.item({ kind: 'exit', code: 64 })];
      const seen: AttemptObservation[] = [];
      let calls = 0;
      const watch = await runner.watch(async (ended) => {
        calls += 1;
        if (calls === 1) throw new Error('not now');
        seen.push(...ended);
      });
      await runner.launch(items);
      const giveUpAt = performance.now() + patienceMs;
      const complete = () => items.every((item) => seen.some((each) => each.attemptId === item.attemptId));
      while (!complete()) {
        assert.ok(performance.now() < giveUpAt, `seen: ${JSON.stringify(seen)}`);
        await sleep(pollMs);
      }
      await watch.close();
      assert.ok(seen.every((each) => each.state === 'ended' && each.end !== null));
    });

    test('list knows the attempts of its experiment and of no other', async () => {
      const item = harness.item({ kind: 'succeed' });
      await runner.launch([item]);
      await untilState(item, 'ended');
      assert.ok((await runner.list(item.experimentId)).every((each) => each.experimentId === item.experimentId));
      assert.deepEqual(await runner.list('no-such-experiment'), []);
    });

    test('a forgotten attempt is not listed; a running one cannot be forgotten', async () => {
      const ended = harness.item({ kind: 'succeed' });
      const running = harness.item({ kind: 'run' });
      await runner.launch([ended, running]);
      await untilState(ended, 'ended');
      await untilState(running, 'running');
      await runner.forget([ended, running, harness.item({ kind: 'run' })]);
      await runner.forget([ended]);
      assert.equal(await observed(ended), undefined);
      assert.equal((await observed(running))?.state, 'running');
      await runner.stop([running], 5);
      await untilState(running, 'ended');
    });

    test('when an experiment is over, all of its attempts that have ended are forgotten', async () => {
      const ended = [harness.item({ kind: 'succeed' }), harness.item({ kind: 'exit', code: 64 })];
      const running = harness.item({ kind: 'run' });
      await runner.launch([...ended, running]);
      for (const item of ended) await untilState(item, 'ended');
      await untilState(running, 'running');
      await runner.clear(running.experimentId);
      await runner.clear(running.experimentId);
      for (const item of ended) assert.equal(await observed(item), undefined);
      assert.equal((await observed(running))?.state, 'running');
      await runner.stop([running], 5);
      await untilState(running, 'ended');
    });

    test('the runner after a killed one adopts the living, reports the ended, and keeps deadlines', async () => {
      const living = harness.item({ kind: 'run' });
      const ended = harness.item({ kind: 'succeed' });
      const endsMeanwhile = harness.item({ kind: 'killed' });
      const due = harness.item({ kind: 'ignore-stop' }, { deadlineSeconds: 1.5, graceSeconds: 0.3 });
      await runner.launch([ended]);
      await untilState(ended, 'ended');
      await runner.launch([living, endsMeanwhile, due]);
      await untilState(living, 'running');
      await harness.abandon(runner);
      await sleep(500);

      runner = await harness.open();
      assert.equal((await observed(living))?.state, 'running');
      assert.equal((await observed(ended))?.end?.outcome, 'succeeded');
      assert.equal((await untilState(endsMeanwhile, 'ended')).end?.outcome, 'disrupted');
      assert.equal((await untilState(due, 'ended')).end?.outcome, 'timed-out');
      await runner.launch([living]);
      assert.equal(await harness.starts(living), 1);

      const seen: string[] = [];
      const watch = await runner.watch(async (batch) => {
        seen.push(...batch.map((each) => each.attemptId));
      });
      await runner.stop([living], 5);
      await untilState(living, 'ended');
      const giveUpAt = performance.now() + patienceMs;
      while (![living, ended, endsMeanwhile, due].every((item) => seen.includes(item.attemptId))) {
        assert.ok(performance.now() < giveUpAt, `seen: ${seen.join(', ')}`);
        await sleep(pollMs);
      }
      await watch.close();
    });
  });
}

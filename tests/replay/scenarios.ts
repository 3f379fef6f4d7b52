/** What is run only to record its histories: long ones, and those that show what else of the protocol they hold on to. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowBundle } from '@lamina/worker/bundle.ts';
import { type OrchestraOptions, until } from '../support/orchestra.ts';
import type { Scenario } from '../support/scenarios.ts';
import { RECORDED_CLASSES } from './mistakes.ts';
import { releasedBundle } from './releases.ts';

export interface Recorded {
  readonly options: OrchestraOptions;
  readonly scenarios: Readonly<Record<string, Scenario>>;
}

/** More events than any of these has: the server never suggests to end a history. */
const NEVER = 50_000;

const SUCCEED = { do: 'end', outcome: 'succeeded' } as const;

/** Trials one after the other, every fifth of which has to be tried again, at once or after a moment. */
function many(trials: number): Scenario {
  return async (o, id) => {
    const planned = o.trials(id, trials, 1);
    const places = new Map(planned.map((trial, index) => [trial.id, index]));
    o.script(({ trialId, attempt }) => {
      const place = (places.get(trialId) ?? 0) % 10;
      if (attempt > 1 || place % 5 !== 0) return SUCCEED;
      return { do: 'end', outcome: place === 0 ? 'crashed' : 'disrupted' };
    });
    const backoff = { initialMs: 5, factor: 2, maxMs: 5 };
    await o.submit(id, planned, { maxParallel: 1, backoff });
    assert.equal(await o.ended(id), 'succeeded');
    assert.deepEqual((await o.store.getExperiment(id))?.counts, { succeeded: trials });
  };
}

/** How 0.1.0 ran before it ended histories after a thousand events: when the server suggested it. */
function beforeTheLimit(): WorkflowBundle {
  const { code } = releasedBundle('0.1.0');
  const changed = code.replace('const LONG_HISTORY = 1000;', `const LONG_HISTORY = ${NEVER};`);
  assert.notEqual(changed, code);
  return { code: changed, buildId: 'before the limit' };
}

export const RECORDED: readonly Recorded[] = [
  {
    options: { continueAsNewAt: NEVER, bundle: beforeTheLimit() },
    scenarios: {
      'fifteen-hundred-events-from-before-there-was-a-limit': many(200),
      'four-thousand-events-from-before-there-was-a-limit': many(520),
    },
  },
  {
    options: { continueAsNewAt: 400, bundle: releasedBundle('0.1.0') },
    scenarios: { 'an-experiment-of-0.1.0-in-several-histories': many(150) },
  },
  {
    options: { continueAsNewAt: NEVER },
    scenarios: {
      'an-experiment-in-several-histories': many(400),

      'more-attempts-at-once-than-one-batch-starts': async (o, id) => {
        o.script(() => ({ do: 'end', outcome: 'succeeded', afterMs: 300 }));
        await o.submit(id, o.trials(id, 230, 1), { maxParallel: 150 });
        assert.equal(await o.ended(id), 'succeeded');
      },

      'every-class-of-failure-is-answered': async (o, id) => {
        const planned = o.trials(id, RECORDED_CLASSES.length, 1, 2);
        o.script(({ trialId, attempt }) => {
          const outcome = RECORDED_CLASSES[planned.findIndex((trial) => trial.id === trialId)];
          return attempt > 1 || outcome === undefined ? SUCCEED : { do: 'end', outcome };
        });
        await o.submit(id, planned, { maxParallel: 1, attempts: 3 });
        assert.equal(await o.ended(id), 'failed');
        assert.deepEqual((await o.store.getExperiment(id))?.counts, { succeeded: 6, failed: 4 });
      },

      'one-trial-after-another-fails-in-every-way': async (o, id) => {
        const planned = o.trials(id, 1, 1, 8);
        o.script(({ attempt }) => {
          const outcome = (['disrupted', 'gpu-out-of-memory', 'gpu-fault', 'crashed', 'disrupted'] as const)[
            attempt - 1
          ];
          return outcome === undefined ? SUCCEED : { do: 'end', outcome, afterMs: 20 };
        });
        await o.submit(id, planned, { maxParallel: 1, attempts: 3, maxAttempts: 10 });
        assert.equal(await o.ended(id), 'succeeded');
      },

      'gpu-faults-with-a-pause-after-each': async (o, id) => {
        o.script(({ attempt }) => (attempt < 3 ? { do: 'end', outcome: 'gpu-fault', afterMs: 20 } : SUCCEED));
        await o.submit(id, o.trials(id, 1, 1), { maxParallel: 1, attempts: 3, pauseAfterGpuFault: true });
        assert.equal(await o.ended(id), 'succeeded');
      },

      'cancelled-while-paused-with-nothing-alive': async (o, id) => {
        o.script(() => ({ do: 'run' }));
        await o.submit(id, o.trials(id, 1, 3), { maxParallel: 1, reconcileMs: 60_000 });
        const alive = async () => (await o.runner.list(id)).filter(({ state }) => state !== 'ended');
        await until(async () => (await alive()).length === 1, 'an attempt is alive');
        await o.control.pause(id);
        const [attempt] = await alive();
        o.runner.kill(attempt?.attemptId ?? '', 'invalid');
        const failed = async () => (await o.store.getExperiment(id))?.counts.failed === 1;
        await until(failed, 'its trial has failed');
        await o.control.cancel(id);
        assert.equal(await o.ended(id), 'cancelled');
      },

      'paused-while-trials-wait-for-their-back-off': async (o, id) => {
        o.script(({ attempt }) => (attempt === 1 ? { do: 'end', outcome: 'crashed', afterMs: 20 } : SUCCEED));
        await o.submit(id, o.trials(id, 1, 3), { maxParallel: 3, backoff: { initialMs: 400, factor: 2, maxMs: 400 } });
        const crashed = async () => (await o.store.listAttempts(id)).filter(({ end }) => end !== null).length;
        await until(async () => (await crashed()) === 3, 'all have crashed');
        await o.control.pause(id);
        await sleep(600);
        assert.equal(await crashed(), 3);
        await o.control.resume(id);
        assert.equal(await o.ended(id), 'succeeded');
      },
    },
  },
];

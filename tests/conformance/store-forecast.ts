/** What every store must do for forecasts, whatever database it sits on. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TrialResult } from '@lamina/domain/contract/result.ts';
import type { Plan } from '@lamina/domain/contract/trial.ts';
import { likeKey } from '@lamina/domain/matrix/plan.ts';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { Database } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import type { NewForecast } from '@lamina/platform/application/ports/forecast-store.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { newExperiment, plannedTrials, plansOf, resultOf } from '../support/planned.ts';

export function storeForecastConformance(
  name: string,
  open: () => Promise<Database>,
  options: { skip?: string } = {},
): void {
  describe(`forecasts' part of the store on ${name}`, options, () => {
    let store: ExperimentStore;
    let families = 0;

    before(async () => {
      store = createExperimentStore(await open());
    });
    after(() => store.close());

    async function experiment(cells = 2, seeds = 2) {
      const id = newExperimentId();
      families += 1;
      const trials = plannedTrials(cells, seeds, `waiting-${name}-${families}`);
      await store.createExperiment(newExperiment(id, trials), { reuse: true });
      return { id, trials };
    }

    async function start(id: string, trial: PlannedTrial | undefined, attempt = 1): Promise<string> {
      assert.ok(trial);
      const attemptId = `${id}-${trial.id.slice(0, 16)}-${attempt}`;
      const plan = plansOf([trial])[trial.cell.id];
      assert.ok(plan);
      await store.startAttempts([{ attemptId, experimentId: id, trialId: trial.id, attempt, plan }]);
      return attemptId;
    }

    async function finish(id: string, trial: PlannedTrial | undefined, more: Partial<TrialResult> = {}): Promise<void> {
      const attemptId = await start(id, trial);
      assert.ok(trial);
      const endedAt = new Date().toISOString();
      const end = { outcome: 'succeeded', message: '', exitCode: 0, node: null, endedAt } as const;
      await store.endAttempts([{ attemptId, end }]);
      const result = { ...resultOf(trial, attemptId), ...more };
      await store.recordOutcomes(id, [{ trialId: trial.id, state: 'succeeded', message: null, result }]);
    }

    const open1 = async (id: string) => (await store.openExperiments()).find((one) => one.id === id);

    test('history: trials of the same cells and models, the newest first, and nothing of others', async () => {
      const { id, trials } = await experiment(2, 2);
      const other = await experiment(1, 1);
      for (const trial of trials.slice(0, 3)) await finish(id, trial);
      await finish(other.id, other.trials[0]);
      const model = trials[0]?.settings.model;
      assert.ok(model);
      const past = await store.pastTrials({ models: [model], cellIds: [] });
      assert.deepEqual(
        past.map(({ cellId }) => cellId),
        [trials[2], trials[1], trials[0]].map((trial) => trial?.cell.id),
      );
      const [newest] = past;
      assert.equal(newest?.likeKey, likeKey((trials[2] as PlannedTrial).settings));
      const { totalSeconds, trainSeconds, evaluateSeconds, steps, tokensPerStep, layers, parallel, device } = newest;
      assert.deepEqual(
        { totalSeconds, trainSeconds, evaluateSeconds, steps, tokensPerStep, layers, parallel, device },
        {
          totalSeconds: 11,
          trainSeconds: 5,
          evaluateSeconds: 1,
          steps: 10,
          tokensPerStep: 256,
          layers: 2,
          parallel: 4,
          device: 'test CPU',
        },
      );
      assert.ok(newest.wallSeconds >= 0 && newest.wallSeconds < 60);
      const byCell = await store.pastTrials({ models: [], cellIds: [trials[0]?.cell.id ?? ''] });
      assert.deepEqual(
        byCell.map(({ cellId }) => cellId),
        [trials[0]?.cell.id, trials[1]?.cell.id],
      );
      assert.deepEqual(await store.pastTrials({ models: [], cellIds: [] }), []);
    });

    test('history leaves out what was resumed, not measured, or taken over', async () => {
      const { id, trials } = await experiment(1, 3);
      const [resumed, unmeasured, whole] = trials as [PlannedTrial, PlannedTrial, PlannedTrial];
      const { training, seconds } = resultOf(resumed, 'x');
      await finish(id, resumed, { training: { ...training, resumedFromStep: 5 } });
      await finish(id, unmeasured, { seconds: { ...seconds, evaluate: null } });
      await finish(id, whole);
      await store.createExperiment(newExperiment(newExperimentId(), trials), { reuse: true });
      const past = await store.pastTrials({ models: [whole.settings.model], cellIds: [whole.cell.id] });
      assert.equal(past.length, 1);
    });

    test('the queue: what runs with its progress, and what waits in its order', async () => {
      const { id, trials } = await experiment(2, 2);
      assert.deepEqual(
        (await open1(id))?.pending,
        [trials[0], trials[1], trials[2], trials[3]].map((one) => one?.cell.id),
      );
      await start(id, trials[0]);
      const working = await start(id, trials[1]);
      const at = new Date(Date.now() - 30_000).toISOString();
      const step = { step: 4, steps: 10, loss: 3, learningRate: 1e-4, gradNorm: null, stepSeconds: 1 };
      await store.appendTrialEvents(working, [
        { seq: 1, at, type: 'phase', phase: 'starting' },
        { seq: 2, at, type: 'step', ...step, tokensPerSecond: 1, memoryBytes: null },
      ]);
      const found = await open1(id);
      const [alone, ...rest] = await store.openExperiments(id);
      assert.deepEqual([alone?.id, rest], [id, []]);
      assert.equal(found?.maxParallel, 4);
      assert.equal(found.paused, false);
      assert.equal(found.pricePerHour, null);
      assert.deepEqual(found.pending, [trials[2]?.cell.id, trials[3]?.cell.id]);
      const [silent, heard] = found.running;
      assert.deepEqual(
        [silent?.begun, silent?.step, heard?.begun, heard?.step, heard?.steps],
        [false, null, true, 4, 10],
      );
      assert.ok(heard && silent && heard.elapsedSeconds <= silent.elapsedSeconds, 'from when it is known to run');
      assert.deepEqual(new Set(found.cells.map((cell) => cell.cellId)), new Set(trials.map((trial) => trial.cell.id)));
    });

    test('a trial that waits for another attempt is first in the queue; ended and cancelled ones are not in it', async () => {
      const { id, trials } = await experiment(2, 1);
      const attemptId = await start(id, trials[1]);
      const endedAt = new Date().toISOString();
      const end = { outcome: 'disrupted', message: '', exitCode: null, node: null, endedAt } as const;
      await store.endAttempts([{ attemptId, end }]);
      assert.deepEqual((await open1(id))?.pending, [trials[1]?.cell.id, trials[0]?.cell.id]);
      await store.setExperimentState(id, 'paused');
      assert.equal((await open1(id))?.paused, true);
      await store.cancelPending(id);
      assert.equal(await open1(id), undefined);
    });

    test('GPUs that trials held at a moment are told, whatever has ended since', async () => {
      const { id, trials } = await experiment(1, 2);
      const [first, second] = trials as [PlannedTrial, PlannedTrial];
      const plan = { ...plansOf([first])[first.cell.id], gpuClass: `class-${id}`, gpus: 3 } as Plan;
      const held = async (at: number) => {
        const all = await store.gpusHeldAt(new Date(at).toISOString());
        return all.filter(({ gpuClass }) => gpuClass === plan.gpuClass);
      };
      for (const trial of [first, second]) {
        const ref = { attemptId: `${id}-${trial.settings.seed}`, experimentId: id, trialId: trial.id, attempt: 1 };
        await store.startAttempts([{ ...ref, plan }]);
      }
      const waiting = {
        attemptId: `${id}-${second.settings.seed}`,
        state: 'pending',
        reason: { kind: 'unschedulable', text: 'no GPU' },
      } as const;
      const running = { attemptId: `${id}-${first.settings.seed}`, state: 'running', reason: null } as const;
      await store.noteAttempts(id, [running, waiting]);
      const soon = Date.now() + 5000;
      assert.deepEqual(await held(soon), [{ gpuClass: plan.gpuClass, gpus: 3 }]);
      assert.deepEqual(await held(soon - 3_600_000), []);
      const endedAt = new Date(soon + 5000).toISOString();
      const end = { outcome: 'succeeded', message: '', exitCode: 0, node: null, endedAt } as const;
      await store.endAttempts([{ attemptId: running.attemptId, end }]);
      assert.equal((await held(soon)).length, 1, 'it was held then');
      assert.deepEqual(await held(soon + 10_000), []);
    });

    test('forecasts are kept as they were made first, and stand next to what happened', async () => {
      const { id, trials } = await experiment(1, 2);
      const before = await store.checkedForecasts(100);
      await store.saveForecasts(id, [forecastOf(null, 4), forecastOf(trials[0]?.cell.id ?? '', 5)]);
      await store.saveForecasts(id, [forecastOf(null, 900)]);
      for (const trial of trials) await finish(id, trial);
      assert.deepEqual(await store.checkedForecasts(100), before, 'not before the end');
      assert.equal(await store.setExperimentState(id, 'succeeded'), true);
      const { ends, durations } = await store.checkedForecasts(100);
      assert.equal(ends.length, before.ends.length + 1);
      assert.equal(ends[0]?.predicted.median, 4);
      assert.equal(ends[0]?.widening, 2);
      assert.ok((ends[0]?.actual ?? -1) >= 0);
      assert.deepEqual(durations[0]?.predicted, { low: 2.5, median: 5, high: 10 });
      assert.equal(durations[0]?.actual, 11 + 1.5, "the trainer's seconds and what is around them");
    });

    test('starts are compared with when the first attempt is known to run', async () => {
      const { id, trials } = await experiment(1, 1);
      await store.saveForecasts(id, [forecastOf(null, 4)]);
      const attemptId = await start(id, trials[0]);
      const before = (await store.checkedForecasts(100)).starts.length;
      await store.noteAttempts(id, [{ attemptId, state: 'running', reason: null }]);
      await finish(id, trials[0]);
      await store.setExperimentState(id, 'succeeded');
      const { starts } = await store.checkedForecasts(100);
      assert.equal(starts.length, before + 1);
      assert.equal(starts[0]?.predicted, 3);
      assert.ok((starts[0]?.actual ?? -1) >= 0);
    });

    const disturbances: Readonly<Record<string, (id: string, trials: readonly PlannedTrial[]) => Promise<unknown>>> = {
      'a pause': (id) => store.setExperimentState(id, 'paused'),
      'a cancel': (id) => store.setExperimentState(id, 'cancelling'),
      async 'an extension'(id) {
        const more = plannedTrials(1, 2, `waiting-${name}-${families}`);
        await store.addTrials(id, more, plansOf(more), { reuse: true });
      },
      async 'a retry'(id, [first]) {
        await start(id, first);
        await store.recordOutcomes(id, [{ trialId: first?.id ?? '', state: 'failed', message: null, result: null }]);
        await store.resetTrials(id, { states: ['failed'] });
      },
    };
    for (const [what, disturb] of Object.entries(disturbances)) {
      test(`what ${what} changed says nothing of forecasts`, async () => {
        const { id, trials } = await experiment(1, 1);
        const before = await store.checkedForecasts(100);
        await store.saveForecasts(id, [forecastOf(null, 4)]);
        await disturb(id, trials);
        const { items } = await store.listTrials(id, { limit: 10, cursor: null });
        for (const { trial } of items) await finish(id, trial);
        assert.equal(await store.setExperimentState(id, 'succeeded'), true);
        assert.deepEqual(await store.checkedForecasts(100), before);
      });
    }

    test('a later run of an ended experiment does not change what was compared', async () => {
      const { id, trials } = await experiment(1, 1);
      await store.saveForecasts(id, [forecastOf(null, 4)]);
      await finish(id, trials[0]);
      await store.setExperimentState(id, 'succeeded');
      const before = await store.checkedForecasts(100);
      const more = plannedTrials(1, 2, `waiting-${name}-${families}`);
      await store.addTrials(id, more, plansOf(more), { reuse: true });
      await finish(id, more[1]);
      await store.setExperimentState(id, 'succeeded');
      assert.deepEqual(await store.checkedForecasts(100), before);
    });
  });
}

function forecastOf(cellId: string | null, median: number): NewForecast {
  return {
    cellId,
    interval: { low: median / 2, median, high: median * 2 },
    widening: 2,
    overheadSeconds: 1.5,
    startSeconds: cellId === null ? 3 : null,
  };
}

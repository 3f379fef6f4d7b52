/** What every store must do for the choice of plans, whatever database it sits on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrialResult } from '@lamina/domain/contract/result.ts';
import { likeKey } from '@lamina/domain/matrix/plan.ts';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import { newExperiment, plansOf, resultOf } from '../support/planned.ts';
import { attemptOf, describeStore, endOf, type OpenDatabase, type StoreUnderTest } from './store-under-test.ts';

export function storeFitConformance(name: string, open: OpenDatabase, options: { skip?: string } = {}): void {
  describeStore(`what plans are chosen by, in the store on ${name}`, open, options, (under) => {
    test('peaks measured on GPUs: one trial of each cell, the newest experiments first, none of a CPU', async () => {
      const older = await under.experiment(1, 1);
      const newer = await under.experiment(2, 2);
      await measure(under, older.id, older.trials[0]!);
      for (const trial of newer.trials) await measure(under, newer.id, trial);
      const onCpu = await under.experiment(1, 1);
      await under.finish(onCpu.id, onCpu.trials[0]!);
      const found = await under.store.measuredOnGpus(10);
      const cells = [newer.trials[0]!, newer.trials[2]!, older.trials[0]!].map(
        ({ settings: { seed: _, ...rest } }) => rest,
      );
      assert.deepEqual(new Set(found.map(({ settings }) => settings)), new Set(cells));
      assert.deepEqual(found.at(-1)?.settings, cells[2]);
      assert.equal(found[0]?.device, 'GPU');
      assert.equal(found[0].memory.peakAllocatedBytes, 100);
      assert.equal(found[0].plan.gpus, 1);
      assert.equal((await under.store.measuredOnGpus(1)).length, 1);
    });

    test('the plan that a cell was measured with, also where the trial is reused', async () => {
      const { id, trials } = await under.experiment(2, 1);
      await measure(under, id, trials[0]!, { microBatch: 7 });
      const plans = await under.store.measuredPlans(id);
      assert.deepEqual([...plans.keys()], [trials[0]!.cell.id]);
      assert.equal(plans.get(trials[0]!.cell.id)?.microBatch, 7);
      const again = newExperimentId();
      await under.store.createExperiment(newExperiment(again, trials), { reuse: true });
      assert.deepEqual(await under.store.measuredPlans(again), plans);
    });

    test('the plan that worked after memory ran out is found by likeness, the newest first', async () => {
      const { id, trials } = await under.experiment(2, 2);
      const [replanned, sibling, crashed] = trials;
      const key = likeKey(replanned!.settings);
      const worked = () => under.store.plansThatWorked([key, likeKey(crashed!.settings)]);
      await fail(under, id, replanned!, 'gpu-out-of-memory');
      assert.equal((await worked()).size, 0, 'not before it works');
      await measure(under, id, replanned!, { microBatch: 1, accumulation: 8 }, 2);
      assert.equal((await worked()).get(key)?.accumulation, 8);
      await fail(under, id, sibling!, 'gpu-out-of-memory');
      await measure(under, id, sibling!, { microBatch: 1, accumulation: 9 }, 2);
      assert.equal((await worked()).get(key)?.accumulation, 9);
      await fail(under, id, crashed!, 'crashed');
      await measure(under, id, crashed!, {}, 2);
      assert.equal((await worked()).size, 1, 'a crash says nothing of memory');
      assert.equal((await under.store.plansThatWorked([])).size, 0);
    });
  });
}

type Plan = NonNullable<ReturnType<typeof plansOf>[string]>;

async function start(
  { store }: StoreUnderTest,
  id: string,
  trial: PlannedTrial,
  changes: Partial<Plan>,
  attempt: number,
) {
  const attemptId = attemptOf(id, trial, attempt);
  const asked = plansOf([trial])[trial.cell.id];
  assert.ok(asked);
  const plan = { ...asked, ...changes };
  await store.startAttempts([{ attemptId, experimentId: id, trialId: trial.id, attempt, plan }]);
  return attemptId;
}

async function fail(under: StoreUnderTest, id: string, trial: PlannedTrial, outcome: 'gpu-out-of-memory' | 'crashed') {
  const attemptId = await start(under, id, trial, {}, 1);
  await under.store.endAttempts([{ attemptId, end: endOf(outcome) }]);
}

/** Succeeds on a GPU. */
async function measure(
  under: StoreUnderTest,
  id: string,
  trial: PlannedTrial,
  changes: Partial<Plan> = {},
  attempt = 1,
): Promise<void> {
  const attemptId = await start(under, id, trial, { gpus: 1, ...changes }, attempt);
  await under.store.endAttempts([{ attemptId, end: endOf('succeeded') }]);
  const onCpu = resultOf(trial, attemptId);
  const result: TrialResult = {
    ...onCpu,
    environment: { ...onCpu.environment, device: 'GPU', deviceKind: 'cuda' },
    memory: { ...onCpu.memory, peakAllocatedBytes: 100 },
  };
  await under.store.recordOutcomes(id, [{ trialId: trial.id, state: 'succeeded', message: null, result }]);
}

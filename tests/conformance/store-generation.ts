/** What every store must do for datasets that are generated first, whatever database it sits on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptRef } from '@lamina/domain/contract/attempt.ts';
import { DATASET_TRIAL, generationSpec } from '@lamina/domain/contract/generation.ts';
import { fileDataset } from '@lamina/domain/contract/settings.ts';
import { PLAIN_PLAN } from '@lamina/domain/contract/trial.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import type { NewPreparation, PreparedDataset } from '@lamina/platform/application/ports/preparation-store.ts';
import { sampleReport } from '../support/generated-data.ts';
import { newExperiment, plannedTrials, plansOf } from '../support/planned.ts';
import { describeStore, endOf, type OpenDatabase, type StoreUnderTest } from './store-under-test.ts';

const SPEC = generationSpec.parse({
  prompts: { source: 'topics', topics: ['tides'], templates: ['Explain {topic}.'] },
  endpoint: { baseUrl: 'https://host/v1', model: 'writer' },
});
const PREPARED: PreparedDataset = {
  dataset: fileDataset.parse({
    source: 'file',
    path: '/data/a.jsonl',
    format: 'jsonl',
    fields: { text: 'completion' },
    onBadRecord: 'fail',
    evaluation: null,
    fingerprint: 'aa',
  }),
  report: sampleReport('aa'),
};

export function storeGenerationConformance(name: string, open: OpenDatabase, options: { skip?: string } = {}): void {
  describeStore(`datasets that are generated first, in the store on ${name}`, open, options, (under) => {
    test('one that is open keeps its experiment from ending, is claimed once, and starts again with every run', async () => {
      const { id } = await prepared(under);
      const { store } = under;
      assert.equal((await store.getExperiment(id))?.counts.pending, undefined);
      assert.equal(await store.setExperimentState(id, 'succeeded'), false);
      const claimed = await store.claimPreparation(id, 1);
      assert.deepEqual(claimed, { trialId: DATASET_TRIAL, attempt: 1, likeKey: DATASET_TRIAL, plan: PLAIN_PLAN });
      assert.deepEqual(await store.claimPreparation(id, 1), claimed, 'the same claim again');
      assert.equal(await store.claimPreparation(id, 2), null);
      await start(under, id, 1);
      assert.equal((await store.claimPreparation(id, 1))?.attempt, 1, 'it was started by that claim');
      assert.equal(await store.endPreparation(id), null);
      const begun = await store.beginPreparation(id);
      assert.deepEqual([begun?.state, begun?.attempts], ['pending', 1]);
      assert.equal((await store.claimPreparation(id, 1))?.attempt, 2);
    });

    test('attempts have events, an end and a place in the list, and belong to no trial', async () => {
      const { id } = await prepared(under);
      const attemptId = await start(under, id, 1);
      await under.store.appendTrialEvents(attemptId, [
        { seq: 1, at: '2026-01-01T00:00:00Z', type: 'phase', phase: 'generating' },
      ]);
      await under.store.endAttempts([{ attemptId, end: endOf('crashed') }]);
      const [attempt] = await under.store.listAttempts(id, DATASET_TRIAL);
      assert.deepEqual(
        [attempt?.attemptId, attempt?.phase, attempt?.end?.outcome],
        [attemptId, 'generating', 'crashed'],
      );
      assert.deepEqual((await under.store.getExperiment(id))?.counts, {});
    });

    test('completed: the document names the data and the trials are there, once', async () => {
      const { id, trials } = await prepared(under);
      const { store } = under;
      const {
        bodyHash: _,
        idempotencyKey: __,
        id: ___,
        name: ____,
        ...planned
      } = newExperiment(id, trials, {
        document: { with: 'data' },
      });
      await start(under, id, 1);
      await store.completePreparation(id, PREPARED, planned);
      await store.completePreparation(id, PREPARED, { ...planned, document: { with: 'other data' } });
      const experiment = await store.getExperiment(id);
      assert.deepEqual(experiment?.document, { with: 'data' });
      assert.deepEqual(experiment.counts, { pending: trials.length });
      assert.equal(experiment.baselineCellId, trials[0]?.cell.id);
      assert.equal(await store.beginPreparation(id), null);
      assert.equal(await store.endPreparation(id), 'succeeded');
      assert.equal((await store.getExperiment(id))?.state, 'pending', 'its trials go on from here');
      await store.movePreparation(id, { state: 'failed', message: 'too late' });
      const found = await store.getPreparation(id);
      assert.deepEqual([found?.state, found?.message, found?.prepared], ['succeeded', null, PREPARED]);
      assert.equal((await store.preparedBefore(found?.specHash ?? ''))?.experimentId, id);
      assert.equal(await store.resetPreparation(id), false);
    });

    test('failed or cancelled, it ends the experiment, until it is set back', async () => {
      for (const state of ['failed', 'cancelled'] as const) {
        const { id, specHash } = await prepared(under);
        await start(under, id, 1);
        await under.store.movePreparation(id, { state: 'retrying', message: 'away' });
        assert.equal((await under.store.getPreparation(id))?.state, 'retrying');
        await under.store.movePreparation(id, { state, message: 'no use' });
        assert.equal(await under.store.endPreparation(id), state);
        assert.equal((await under.store.getExperiment(id))?.state, state);
        assert.equal(await under.store.preparedBefore(specHash), null);
        assert.equal(await under.store.resetPreparation(id), true);
        assert.equal((await under.store.getExperiment(id))?.state, 'pending');
        assert.equal((await under.store.claimPreparation(id, 1))?.attempt, 2);
      }
    });

    test('data that were generated before are there at once', async () => {
      const { id, trials } = await prepared(under, { ...PREPARED, experimentId: 'e-before' });
      const found = await under.store.getPreparation(id);
      assert.deepEqual([found?.state, found?.reusedFrom, found?.prepared], ['succeeded', 'e-before', PREPARED]);
      assert.equal(await under.store.beginPreparation(id), null);
      assert.deepEqual((await under.store.getExperiment(id))?.counts, { pending: trials.length });
      assert.equal(await under.store.getPreparation(newExperimentId()), null);
    });
  });
}

let families = 0;

/** An experiment without trials and those it will have; with `done` they are there. */
async function prepared({ store }: StoreUnderTest, done: NewPreparation['done'] = null) {
  families += 1;
  const id = newExperimentId();
  const trials = plannedTrials(2, 2, `prepared ${families} ${id}`);
  const preparation = { specHash: `spec of ${id}`, spec: SPEC, plan: PLAIN_PLAN, reuse: true, done };
  await store.createExperiment(
    newExperiment(id, done === null ? [] : trials, { preparation, plans: plansOf(trials) }),
    {
      reuse: true,
    },
  );
  return { id, trials, specHash: preparation.specHash };
}

async function start({ store }: StoreUnderTest, experimentId: string, attempt: number): Promise<string> {
  const ref = attemptRef(experimentId, { trialId: DATASET_TRIAL, attempt });
  await store.startAttempts([{ ...ref, plan: PLAIN_PLAN }]);
  await store.movePreparation(experimentId, { state: 'running', attempts: attempt });
  return ref.attemptId;
}

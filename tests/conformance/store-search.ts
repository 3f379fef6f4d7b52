/** What every store must do for searches, whatever database it sits on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import { suggestedTrial } from '@lamina/domain/search/suggested.ts';
import type { Study, Suggestion } from '@lamina/domain/search/types.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import { InvalidCursor } from '@lamina/platform/application/ports/errors.ts';
import type { AddedSuggestion, StudyProgress } from '@lamina/platform/application/ports/search-store.ts';
import { newExperiment, plannedTrials, plansOf } from '../support/planned.ts';
import { studiesFor } from '../support/studies.ts';
import { AT, attemptOf, describeStore, endOf, type OpenDatabase } from './store-under-test.ts';

const NOTHING: StudyProgress = { suggestions: [], added: [] };

export function storeSearchConformance(name: string, open: OpenDatabase, options: { skip?: string } = {}): void {
  describeStore(`searches' part of the store on ${name}`, open, options, (under) => {
    let families = 0;

    /** An experiment of two cells with a study each. */
    async function searching(more: { reuse?: boolean } = {}) {
      const id = newExperimentId();
      families += 1;
      const trials = plannedTrials(2, 1, `search ${name} ${families}`);
      const studies = studiesFor(trials, id);
      const { reuse = true } = more;
      await under.store.createExperiment({ ...newExperiment(id, trials), studies }, { reuse });
      return { id, trials, studies, study: studies[0] as Study, base: trials[0] as PlannedTrial };
    }

    const suggested = (base: PlannedTrial, number: number, learningRate: number): AddedSuggestion => {
      const parameters = { 'training.learningRate': learningRate };
      const trial = suggestedTrial(base, parameters, 'r1');
      const plan = plansOf([trial])[trial.cell.id];
      assert.ok(plan);
      return { number, parameters, made: { trial, plan } };
    };
    const add = (id: string, study: Study, ...added: AddedSuggestion[]) =>
      under.store.recordProgress(id, study.key, { ...NOTHING, added });
    const trialOf = (one: AddedSuggestion) => ('trial' in one.made ? one.made.trial : assert.fail('it has no trial'));

    test('studies are stored with their experiment, in order, and are open', async () => {
      const { id, studies } = await searching();
      assert.deepEqual(
        await under.store.listStudies(id),
        studies.map((study) => ({ study, state: 'open', message: null })),
      );
      assert.equal(await under.store.hasSearch(id), true);
      const plain = await under.experiment();
      assert.equal(await under.store.hasSearch(plain.id), false);
      assert.deepEqual(await under.store.listStudies(plain.id), []);
    });

    test('suggestions and their trials are added together, each number once, and shown as an extension is', async () => {
      const { id, trials, study, base } = await searching();
      const before = (await under.store.experimentEvents(id, 0, 1000)).length;
      const { version } = (await under.store.getExperiment(id)) ?? assert.fail();
      const one = suggested(base, 0, 1e-3);
      assert.equal(await add(id, study, one, suggested(base, 1, 2e-3)), 2);
      assert.equal(await add(id, study, suggested(base, 0, 9e-3), suggested(base, 1, 2e-3)), 0);
      const [first, second] = await under.store.suggestionsOf(id, study.key);
      assert.deepEqual(first, {
        studyKey: study.key,
        number: 0,
        parameters: { 'training.learningRate': 1e-3 },
        trialId: trialOf(one).id,
        trialState: 'pending',
        own: true,
        end: null,
        told: false,
        reportedStep: 0,
        pruning: false,
      });
      assert.equal(second?.number, 1);
      const experiment = await under.store.getExperiment(id);
      assert.deepEqual(experiment?.counts, { pending: trials.length + 2 });
      assert.ok(experiment.version > version);
      const events = (await under.store.experimentEvents(id, 0, 1000)).slice(before);
      assert.deepEqual(
        events.map(({ type, data }) => [type, data]),
        [['experiment', { state: 'pending', counts: { pending: 4 } }]],
      );
      const claimed = await under.store.claimTrials(id, 1, 10);
      const plan = plansOf([trialOf(one)])[trialOf(one).cell.id];
      assert.deepEqual(claimed.find(({ trialId }) => trialId === trialOf(one).id)?.plan, plan);
      assert.deepEqual(claimed.at(-1)?.trialId, second?.trialId, 'after the trials of the matrix');
    });

    test('suggestions start from the first trial of a cell, with its plan', async () => {
      const { id, study, base } = await searching();
      const bases = await under.store.baseTrials(id, study.cellIds);
      assert.deepEqual([...bases], [[base.cell.id, { trial: base, plan: plansOf([base])[base.cell.id] }]]);
    });

    test('suggestions can share a trial with another and with the matrix', async () => {
      const { id, trials, study, base } = await searching();
      const plan = plansOf([base])[base.cell.id] ?? assert.fail();
      const same = { number: 2, parameters: {}, made: { trial: base, plan } };
      const added = await add(id, study, suggested(base, 0, 5e-3), suggested(base, 1, 5e-3), same);
      assert.equal(added, 1);
      assert.equal(await add(id, study, suggested(base, 3, 5e-3)), 0);
      const suggestions = await under.store.suggestionsOf(id, study.key);
      assert.equal(suggestions[0]?.trialId, suggestions[1]?.trialId);
      assert.deepEqual(
        suggestions.map(({ own }) => own),
        [true, true, false, true],
      );
      assert.deepEqual((await under.store.getExperiment(id))?.counts, { pending: trials.length + 1 });
    });

    test('what was measured before is reused, unless the experiment was created without', async () => {
      const first = await searching();
      const one = suggested(first.base, 0, 4e-3);
      await add(first.id, first.study, one);
      await under.finish(first.id, trialOf(one));
      for (const reuse of [true, false]) {
        const id = newExperimentId();
        await under.store.createExperiment(
          { ...newExperiment(id, first.trials), studies: studiesFor(first.trials, id) },
          { reuse },
        );
        assert.equal(await add(id, first.study, one), reuse ? 0 : 1);
        const [seen] = await under.store.observeTrials(id, [{ trialId: trialOf(one).id, lossesAfter: null }]);
        assert.equal(seen?.state, reuse ? 'reused' : 'pending');
        assert.equal(seen.result?.trialId, reuse ? trialOf(one).id : undefined);
      }
    });

    test('parameters that make no trial are a suggestion that has failed', async () => {
      const { id, study } = await searching();
      assert.equal(await add(id, study, { number: 0, parameters: {}, made: { objection: 'it does not fit' } }), 0);
      const [failed] = await under.store.suggestionsOf(id, study.key);
      assert.equal(failed?.trialId, null);
      assert.deepEqual(failed.end, { state: 'failed', values: null, message: 'it does not fit' });
    });

    test('the first end of a suggestion stays, and what the tuner knows only grows', async () => {
      const { id, study, base } = await searching();
      await add(id, study, suggested(base, 0, 1e-3), suggested(base, 1, 2e-3));
      const [one, other] = (await under.store.suggestionsOf(id, study.key)) as readonly Suggestion[] as [
        Suggestion,
        Suggestion,
      ];
      const complete = { state: 'complete', values: [3.25], message: null } as const;
      const failed = { state: 'failed', values: null, message: 'later' } as const;
      const keep = (...suggestions: Suggestion[]) =>
        under.store.recordProgress(id, study.key, { ...NOTHING, suggestions });
      await keep({ ...one, end: complete }, { ...other, reportedStep: 20 });
      await keep({ ...one, end: failed, told: true }, { ...other, reportedStep: 10, pruning: true });
      await keep(one, other);
      assert.deepEqual(await under.store.suggestionsOf(id, study.key), [
        { ...one, end: complete, told: true },
        { ...other, reportedStep: 20, pruning: true },
      ]);
    });

    test('a study that fails says why, and keeps its experiment open no longer', async () => {
      const { id, trials, studies } = await searching();
      const keys = studies.map(({ key }) => key);
      await under.store.closeStudies(id, keys.slice(0, 1));
      await under.store.closeStudies(id, keys, 'the range is empty');
      assert.deepEqual(
        (await under.store.listStudies(id)).map(({ state, message }) => [state, message]),
        [
          ['closed', null],
          ['failed', 'the range is empty'],
        ],
      );
      for (const trial of trials) await under.finish(id, trial);
      assert.equal(await under.store.setExperimentState(id, 'succeeded'), true);
    });

    test('an experiment cannot end while a study is open', async () => {
      const { id, trials, studies, base } = await searching();
      for (const trial of trials) await under.finish(id, trial);
      assert.equal(await under.store.setExperimentState(id, 'succeeded'), false);
      assert.equal(await under.store.setExperimentState(id, 'failed'), false);
      await under.store.closeStudies(id, [studies[0]?.key ?? '']);
      assert.equal(await under.store.setExperimentState(id, 'succeeded'), false);
      await under.store.closeStudies(id, [studies[1]?.key ?? '']);
      assert.equal(await under.store.setExperimentState(id, 'succeeded'), true);
      assert.equal(await add(id, studies[0] as Study, suggested(base, 0, 1e-3)), 0);
      assert.deepEqual(await under.store.suggestionsOf(id, studies[0]?.key ?? ''), []);
    });

    test('cancelling ends studies, and nothing is added to them', async () => {
      const { id, study, base } = await searching();
      await add(id, study, suggested(base, 0, 1e-3), suggested(base, 1, 2e-3));
      const [one] = (await under.store.suggestionsOf(id, study.key)) as readonly Suggestion[] as [Suggestion];
      const end = { state: 'complete', values: [3], message: null } as const;
      await under.store.recordProgress(id, study.key, { ...NOTHING, suggestions: [{ ...one, end }] });
      assert.equal(await under.store.setExperimentState(id, 'cancelling'), true);
      assert.deepEqual(
        (await under.store.listStudies(id)).map(({ state }) => state),
        ['cancelled', 'cancelled'],
      );
      assert.equal(await add(id, study, suggested(base, 2, 3e-3)), 0);
      assert.deepEqual(
        (await under.store.suggestionsOf(id, study.key)).map((each) => [each.end?.state, each.end?.message]),
        [
          ['complete', null],
          ['failed', 'cancelled'],
        ],
      );
    });

    test('an extension can bring studies, and leaves those that are there as they are', async () => {
      const { id, trials, studies, study, base } = await searching();
      await add(id, study, suggested(base, 0, 1e-3));
      const more = plannedTrials(3, 1, `search ${name} ${families}`);
      const added = await under.store.addTrials(id, more, plansOf(more), {
        reuse: true,
        studies: studiesFor(more, id),
      });
      assert.equal(added, more.length - trials.length);
      const keys = (await under.store.listStudies(id)).map((one) => one.study.key);
      assert.deepEqual(keys, [...studies.map((one) => one.key), more.at(-1)?.cell.id]);
      assert.equal((await under.store.suggestionsOf(id, study.key)).length, 1);
    });

    test('studies come with their suggestions, and trials with what their attempts took', async () => {
      const { id, studies, study, base } = await searching();
      const one = suggested(base, 0, 1e-3);
      await add(id, study, one);
      const searched = await under.store.searchedStudies(id);
      assert.deepEqual(
        searched.map(({ study: each, suggestions }) => [each.key, suggestions.map(({ trialId }) => trialId)]),
        [
          [studies[0]?.key, [trialOf(one).id]],
          [studies[1]?.key, []],
        ],
      );
      assert.deepEqual(await under.store.searchedStudies('nobody'), []);
      const first = await under.run(id, trialOf(one));
      const startedAt = Date.parse((await under.store.getAttempt(first))?.startedAt ?? '');
      const endedAt = new Date(startedAt + 90_000).toISOString();
      await under.store.endAttempts([{ attemptId: first, end: { ...endOf('crashed'), endedAt } }]);
      const spent = await under.store.timeSpent(id);
      assert.deepEqual([...spent.keys()], [trialOf(one).id]);
      const { seconds, steps } = spent.get(trialOf(one).id) ?? assert.fail();
      assert.equal(steps, null);
      assert.ok(Math.abs(seconds - 90) < 0.01, `${seconds}`);
      await under.run(id, trialOf(one), 2);
      assert.ok(((await under.store.timeSpent(id)).get(trialOf(one).id)?.seconds ?? 0) >= seconds);
    });

    test('losses on the way are those of the newest attempt, after a step and without gaps', async () => {
      const { id, study, base } = await searching();
      const one = suggested(base, 0, 1e-3);
      await add(id, study, one);
      const trial = trialOf(one);
      const step = (seq: number, at: number, loss: number | null) => {
        const rest = { steps: 10, learningRate: 1e-4, gradNorm: null, stepSeconds: 1, tokensPerSecond: 1 };
        return { seq, at: AT, type: 'step', step: at, loss, memoryBytes: null, ...rest } as const;
      };
      const old = await under.run(id, trial, 1);
      await under.store.appendTrialEvents(old, [step(1, 1, 9)]);
      await under.store.endAttempts([{ attemptId: old, end: endOf('disrupted') }]);
      await under.run(id, trial, 2);
      const events = [step(1, 1, 5), step(2, 2, 4), step(3, 3, null), step(4, 4, 3), step(6, 6, 1)];
      await under.store.appendTrialEvents(attemptOf(id, trial, 2), events);
      const losses = async (lossesAfter: number | null) =>
        (await under.store.observeTrials(id, [{ trialId: trial.id, lossesAfter }]))[0]?.losses;
      assert.deepEqual(await losses(1), [
        { step: 2, loss: 4 },
        { step: 3, loss: null },
        { step: 4, loss: 3 },
      ]);
      assert.deepEqual(await losses(4), []);
      assert.deepEqual(await losses(null), []);
    });

    test('suggestions of all studies come in pages, by study and number', async () => {
      const { id, studies, trials } = await searching();
      const [base, second] = trials as [PlannedTrial, PlannedTrial];
      const [one, other] = studies as [Study, Study];
      await add(id, other, suggested(second, 0, 1e-3), suggested(second, 1, 2e-3));
      await add(id, one, suggested(base, 0, 1e-3), suggested(base, 1, 2e-3));
      const seen: [string, number][] = [];
      let cursor: string | null = null;
      do {
        const page = await under.store.listSuggestions(id, { limit: 3, cursor });
        seen.push(...page.items.map(({ studyKey, number }): [string, number] => [studyKey, number]));
        cursor = page.nextCursor;
      } while (cursor !== null);
      assert.deepEqual(seen, [
        [one.key, 0],
        [one.key, 1],
        [other.key, 0],
        [other.key, 1],
      ]);
      const alone = await under.store.listSuggestions(id, { limit: 10, cursor: null, studyKey: other.key });
      assert.deepEqual([alone.items.length, alone.nextCursor], [2, null]);
      await assert.rejects(under.store.listSuggestions(id, { limit: 3, cursor: 'MTI' }), InvalidCursor);
    });
  });
}

/** What every store must do with experiments and their trials, whatever database it sits on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import {
  DocumentChanged,
  IdempotencyConflict,
  InvalidCursor,
  UnknownExperiment,
} from '@lamina/platform/application/ports/errors.ts';
import { newExperiment, plannedTrials, plansOf, resultOf } from '../support/planned.ts';
import { attemptOf, describeStore, endOf, type OpenDatabase } from './store-under-test.ts';

export function storeConformance(name: string, open: OpenDatabase, options: { skip?: string } = {}): void {
  describeStore(`store on ${name}`, open, options, (under) => {
    const { experiment, run, finish } = under;

    test('an experiment is stored whole and found again', async () => {
      const { id, trials } = await experiment(3, 2);
      const found = await under.store.getExperiment(id);
      assert.equal(found?.state, 'pending');
      assert.deepEqual(found.counts, { pending: 6 });
      assert.equal(found.cells, 3);
      assert.deepEqual(found.document, { apiVersion: 'lamina/v1' });
      assert.match(found.createdAt, /^\d{4}-.*Z$/);
      const listed = await under.store.listTrials(id, { limit: 10, cursor: null });
      assert.deepEqual(
        listed.items.map((item) => item.trial),
        trials,
      );
      assert.deepEqual(
        await under.store.listCells(id),
        [0, 2, 4].map((index) => trials[index]?.cell),
      );
      assert.equal(await under.store.getExperiment('e-none'), null);
    });

    test('text that the database cannot hold is replaced, not refused', async () => {
      const id = newExperimentId();
      const document = { note: 'nul \0 and half \ud800 a pair, but a literal \\u0000 stays' };
      await under.store.createExperiment(newExperiment(id, plannedTrials(1, 1, id), { name: 'a\0b', document }), {
        reuse: true,
      });
      const found = await under.store.getExperiment(id);
      assert.equal(found?.name, 'a\ufffdb');
      assert.deepEqual(found.document, { note: 'nul \ufffd and half \ufffd a pair, but a literal \\u0000 stays' });
    });

    test('an idempotency key answers with the first experiment, and refuses another body', async () => {
      const trials = plannedTrials(1, 1, 'idempotency');
      const input = newExperiment(newExperimentId(), trials, { idempotencyKey: 'key', bodyHash: 'one' });
      const answers = await Promise.all(
        ['a', 'b', 'c'].map(() => under.store.createExperiment({ ...input, id: newExperimentId() }, { reuse: true })),
      );
      assert.equal(answers.filter((answer) => answer.created).length, 1);
      assert.equal(new Set(answers.map((answer) => answer.experiment.id)).size, 1);
      await assert.rejects(
        under.store.createExperiment({ ...input, id: newExperimentId(), bodyHash: 'two' }, { reuse: true }),
        IdempotencyConflict,
      );
    });

    test('finished trials are reused anywhere, with their result, unless refused', async () => {
      const { id, trials } = await experiment(1, 2);
      const [first, second] = trials as [PlannedTrial, PlannedTrial];
      await finish(id, first);
      assert.deepEqual([...(await under.store.measuredTrials(trials.map((trial) => trial.id)))], [first.id]);
      const again = newExperimentId();
      const { experiment: reusing } = await under.store.createExperiment(newExperiment(again, trials), { reuse: true });
      assert.deepEqual(reusing.counts, { reused: 1, pending: 1 });
      const [record] = await under.store.getTrials(again, [first.id]);
      assert.equal(record?.state, 'reused');
      assert.equal(record.reusedFrom, id);
      assert.deepEqual(record.result, resultOf(first, attemptOf(id, first, 1)));
      const claimed = await under.store.claimTrials(again, 1, 10);
      assert.deepEqual(
        claimed.map((trial) => trial.trialId),
        [second.id],
      );
      const fresh = await under.store.createExperiment(newExperiment(newExperimentId(), trials), { reuse: false });
      assert.deepEqual(fresh.experiment.counts, { pending: 2 });
    });

    test('trials are added once; an ended experiment is open again', async () => {
      const { id, family, trials } = await experiment(1, 1);
      await finish(id, trials[0] as PlannedTrial);
      assert.equal(await under.store.setExperimentState(id, 'succeeded'), true);
      const more = plannedTrials(1, 3, family);
      assert.equal(await under.store.addTrials(id, more, plansOf(more), { reuse: true }), 2);
      const document = { extended: true };
      const replacing = { from: { apiVersion: 'lamina/v1' }, to: document };
      const extend = () => under.store.addTrials(id, more, plansOf(more), { reuse: true, document: replacing });
      assert.equal(await extend(), 0);
      await assert.rejects(extend(), DocumentChanged);
      const found = await under.store.getExperiment(id);
      assert.deepEqual(found?.counts, { succeeded: 1, pending: 2 });
      assert.deepEqual(found.document, document);
      assert.equal(found.state, 'pending');
      assert.equal(found.endedAt, null);
    });

    test('experiments are listed newest first, by pages, by state and by name', async () => {
      const created = [];
      for (const name of ['Alpha 100%', 'beta', 'alpha two']) {
        const id = newExperimentId();
        created.unshift(id);
        await under.store.createExperiment(newExperiment(id, plannedTrials(1, 1, id), { name }), { reuse: true });
        await sleep(2);
      }
      const first = await under.store.listExperiments({ limit: 2, cursor: null });
      assert.deepEqual(
        first.items.map((item) => item.id),
        created.slice(0, 2),
      );
      const next = await under.store.listExperiments({ limit: 2, cursor: first.nextCursor });
      assert.equal(next.items[0]?.id, created[2]);
      const named = await under.store.listExperiments({ limit: 10, cursor: null, name: 'ALPHA' });
      assert.deepEqual(
        named.items.map((item) => item.id),
        [created[0], created[2]],
      );
      const literal = await under.store.listExperiments({ limit: 10, cursor: null, name: '0%' });
      assert.deepEqual(
        literal.items.map((item) => item.id),
        [created[2]],
      );
      await under.store.setExperimentState(created[1] as string, 'paused');
      const paused = await under.store.listExperiments({ limit: 10, cursor: null, state: 'paused' });
      assert.deepEqual(
        paused.items.map((item) => item.id),
        [created[1]],
      );
      await assert.rejects(under.store.listExperiments({ limit: 2, cursor: '%%%' }), InvalidCursor);
    });

    test('trials are listed in order, by pages, by state and by cell', async () => {
      const { id, trials } = await experiment(3, 3);
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await under.store.listTrials(id, { limit: 4, cursor });
        seen.push(...page.items.map((item) => item.trialId));
        cursor = page.nextCursor;
      } while (cursor !== null);
      assert.deepEqual(
        seen,
        trials.map((trial) => trial.id),
      );
      const cellId = trials[4]?.cell.id as string;
      const ofCell = await under.store.listTrials(id, { limit: 10, cursor: null, cellId });
      assert.deepEqual(
        ofCell.items.map((item) => item.trialId),
        trials.filter((trial) => trial.cell.id === cellId).map((trial) => trial.id),
      );
      await run(id, trials[8] as PlannedTrial);
      const running = await under.store.listTrials(id, { limit: 10, cursor: null, state: 'running' });
      assert.deepEqual(
        running.items.map((item) => item.trialId),
        [trials[8]?.id],
      );
    });

    test('a claim takes pending trials in order; the same number answers the same', async () => {
      const { id, trials } = await experiment(2, 2);
      const first = await under.store.claimTrials(id, 1, 3);
      assert.deepEqual(
        first.map((trial) => [trial.trialId, trial.attempt]),
        trials.slice(0, 3).map((trial) => [trial.id, 1]),
      );
      assert.deepEqual(first[0]?.plan, plansOf(trials)[trials[0]?.cell.id as string]);
      assert.notEqual(first[0]?.likeKey, '');
      assert.deepEqual(await under.store.claimTrials(id, 1, 3), first);
      const started = first.slice(0, 2).map(({ trialId, attempt, plan }) => {
        return { attemptId: newExperimentId(), experimentId: id, trialId, attempt, plan };
      });
      await under.store.startAttempts(started);
      assert.deepEqual(await under.store.claimTrials(id, 1, 3), first, 'also when their attempts have been started');
      assert.equal((await under.store.claimTrials(id, 2, 3)).length, 1);
      assert.equal((await under.store.claimTrials(id, 3, 3)).length, 0);
    });

    test('concurrent claims never take the same trial', async () => {
      const { id } = await experiment(5, 4);
      const claims = await Promise.all([1, 2, 3, 4].map((batch) => under.store.claimTrials(id, batch, 7)));
      const taken = claims.flat().map((trial) => trial.trialId);
      assert.equal(taken.length, 20);
      assert.equal(new Set(taken).size, 20);
    });

    test('a new run takes over what an earlier one left', async () => {
      const { id, trials } = await experiment(2, 2);
      await under.store.claimTrials(id, 1, 2);
      await run(id, trials[0] as PlannedTrial);
      await under.store.beginRun(id);
      assert.deepEqual((await under.store.getExperiment(id))?.counts, { pending: 4 });
      const claimed = await under.store.claimTrials(id, 1, 10);
      assert.deepEqual(
        claimed.map((trial) => trial.attempt),
        [2, 1, 1, 1],
      );
    });

    test('an attempt starts and ends once, and moves its trial', async () => {
      const { id, trials } = await experiment(1, 1);
      const trial = trials[0] as PlannedTrial;
      const attemptId = await run(id, trial);
      await run(id, trial);
      const [running] = await under.store.getTrials(id, [trial.id]);
      assert.equal(running?.state, 'running');
      assert.equal(running.attempts, 1);
      assert.notEqual(running.startedAt, null);
      const end = endOf('crashed');
      assert.deepEqual(await under.store.endAttempts([{ attemptId, end }]), [end]);
      assert.deepEqual(await under.store.endAttempts([{ attemptId, end: endOf('succeeded') }]), []);
      assert.deepEqual(await under.store.endAttempts([{ attemptId: 'a-unknown', end }]), []);
      assert.deepEqual((await under.store.getAttempt(attemptId))?.end, end);
      const [retrying] = await under.store.getTrials(id, [trial.id]);
      assert.equal(retrying?.state, 'retrying');
      assert.equal(retrying.message, end.message);
      await run(id, trial, 2);
      const [again] = await under.store.getTrials(id, [trial.id]);
      assert.deepEqual([again?.state, again?.message], ['running', null], 'no failure is told of a trial that runs');
      const attempts = await under.store.listAttempts(id, trial.id);
      assert.deepEqual(
        attempts.map((attempt) => [attempt.attempt, attempt.end?.outcome ?? null]),
        [
          [1, 'crashed'],
          [2, null],
        ],
      );
      assert.deepEqual((await under.store.getExperiment(id))?.counts, { running: 1 });
    });

    test('a failure that no attempt follows is not announced as one that is tried again', async () => {
      const { id, trials } = await experiment(1, 1);
      const trial = trials[0] as PlannedTrial;
      const attemptId = await run(id, trial);
      const end = endOf('crashed');
      await under.store.endAttempts([{ attemptId, end, last: true }]);
      const stateNow = async () => (await under.store.getTrials(id, [trial.id]))[0]?.state;
      assert.equal(await stateNow(), 'running');
      // A success that was refused: only then does the run decide on another attempt.
      await under.store.endAttempts([{ attemptId, end }]);
      assert.equal(await stateNow(), 'retrying');
      await run(id, trial, 2);
      await under.store.endAttempts([{ attemptId, end }]);
      assert.equal(await stateNow(), 'running', 'the end of an earlier attempt says nothing any more');
    });

    test('trials that share what is at fault fail without an attempt, and one event tells why', async () => {
      const { id, trials } = await experiment(2, 2);
      const [a, b] = trials as [PlannedTrial, PlannedTrial];
      const other = { ...b.cell, id: `${b.cell.id}-other` };
      const elsewhere = { ...b.settings, model: { source: 'path', path: '/models/other', fingerprint: null } } as const;
      const third: PlannedTrial = { id: `${b.id}-other`, cell: other, settings: elsewhere };
      await under.store.addTrials(id, [third], plansOf([third]), { reuse: false });
      await run(id, a);
      await run(id, b);
      await under.store.recordOutcomes(id, [{ trialId: a.id, state: 'failed', message: 'a pointer', result: null }]);
      const before = (await under.store.experimentEvents(id, 0, 100)).length;
      const fault = { trialId: a.id, subject: 'model', message: 'a pointer' } as const;
      const sharing = await under.store.failAlike(id, fault);
      assert.deepEqual([...sharing].sort(), [...new Set(trials.map(({ cell }) => cell.id))].sort());
      assert.deepEqual((await under.store.getExperiment(id))?.counts, { failed: 3, running: 1, pending: 1 });
      const found = await under.store.getTrials(
        id,
        [...trials, third].map((trial) => trial.id),
      );
      assert.deepEqual(
        found.map(({ state, message, attempts }) => [state, message, attempts]),
        [
          ['failed', 'a pointer', 1],
          ['running', null, 1],
          ['failed', 'a pointer', 0],
          ['failed', 'a pointer', 0],
          ['pending', null, 0],
        ],
      );
      const events = (await under.store.experimentEvents(id, 0, 100)).slice(before);
      assert.deepEqual(
        events.map(({ type, data }) => [type, (data as { message: string | null }).message]),
        [
          ['trial', null],
          ['trial', null],
        ],
      );
      await under.store.failAlike(id, { ...fault, subject: 'dataset' });
      assert.deepEqual((await under.store.getExperiment(id))?.counts, { failed: 4, running: 1 });
    });

    test('the first terminal outcome of a trial wins', async () => {
      const { id, trials } = await experiment(1, 2);
      const trial = trials[0] as PlannedTrial;
      await finish(id, trial);
      await under.store.recordOutcomes(id, [{ trialId: trial.id, state: 'failed', message: 'late', result: null }]);
      await run(id, trial, 2);
      const [record] = await under.store.getTrials(id, [trial.id]);
      assert.equal(record?.state, 'succeeded');
      assert.equal(record.message, null);
      assert.deepEqual(record.result?.training.losses, resultOf(trial, 'x').training.losses);
      assert.deepEqual((await under.store.getExperiment(id))?.counts, { succeeded: 1, pending: 1 });
    });

    test('an experiment ends only when no trial is open', async () => {
      const { id, trials } = await experiment(1, 2);
      await under.store.setExperimentState(id, 'running');
      await finish(id, trials[0] as PlannedTrial);
      assert.equal(await under.store.setExperimentState(id, 'succeeded'), false);
      assert.equal((await under.store.getExperiment(id))?.state, 'running');
      assert.equal(await under.store.cancelPending(id), 1);
      assert.equal(await under.store.cancelPending(id), 0);
      assert.equal(await under.store.setExperimentState(id, 'cancelled'), true);
      const found = await under.store.getExperiment(id);
      assert.equal(found?.state, 'cancelled');
      assert.notEqual(found.endedAt, null);
      assert.deepEqual(found.counts, { succeeded: 1, cancelled: 1 });
    });

    test('failed and cancelled trials can be set back, all or some', async () => {
      const { id, trials } = await experiment(2, 2);
      const [a, b, c] = trials as [PlannedTrial, PlannedTrial, PlannedTrial];
      await run(id, a);
      await under.store.recordOutcomes(id, [
        { trialId: a.id, state: 'failed', message: 'why', result: null },
        { trialId: b.id, state: 'failed', message: 'why', result: null },
      ]);
      await finish(id, c);
      await under.store.cancelPending(id);
      await under.store.setExperimentState(id, 'failed');
      assert.equal(await under.store.resetTrials(id, { states: ['failed'], trialIds: [a.id] }), 1);
      assert.equal((await under.store.getExperiment(id))?.state, 'pending');
      assert.equal(await under.store.resetTrials(id, { states: ['failed', 'cancelled'] }), 2);
      assert.deepEqual((await under.store.getExperiment(id))?.counts, { succeeded: 1, pending: 3 });
      const claimed = await under.store.claimTrials(id, 1, 1);
      assert.deepEqual(
        claimed.map((trial) => [trial.trialId, trial.attempt]),
        [[a.id, 2]],
      );
    });

    test('the comparison input holds every trial with its result but without samples', async () => {
      const { id, trials } = await experiment(2, 2);
      await finish(id, trials[0] as PlannedTrial);
      const records = await under.store.trialsForComparison(id);
      assert.deepEqual(
        records.map((record) => [record.trial, record.state]),
        trials.map((trial, index) => [trial, index === 0 ? 'succeeded' : 'pending']),
      );
      const result = records[0]?.result;
      assert.deepEqual(result?.trained, resultOf(trials[0] as PlannedTrial, 'x').trained);
      assert.deepEqual(result?.training.losses, []);
    });

    test('what workers tell takes the place of what was told before; one of them looks for GPUs at a time', async () => {
      const said = { runner: 'a', trainerRevision: 'r', device: null, mounts: [{ folder: '/a', as: '/b' }] };
      await under.store.announce({ ...said, runner: 'before' });
      await under.store.announce(said);
      assert.deepEqual(await under.store.getRunnerFacts(), said);
      assert.equal(await under.store.getGpuInventory(), null);
      const claims = await Promise.all([1, 2, 3].map(() => under.store.claimGpuRefresh(60)));
      assert.equal(claims.filter(Boolean).length, 1);
      assert.equal(await under.store.claimGpuRefresh(0), true);
      const inventory = { source: 'a', at: new Date(0).toISOString(), classes: [], note: 'none' };
      await under.store.putGpuInventory(inventory);
      assert.deepEqual(await under.store.getGpuInventory(), inventory);
    });

    test('devices that are set aside are remembered until they are taken back', async () => {
      const aside = {
        device: 'GPU-1',
        faults: 1,
        since: '2026-01-01T00:00:00.000Z',
        until: '2026-01-01T00:05:00.000Z',
        reason: 'Xid 79',
        attemptId: 'e-t-1',
      };
      await under.store.setDeviceAside({ ...aside, device: 'GPU-0', until: null });
      await under.store.setDeviceAside(aside);
      await under.store.setDeviceAside({ ...aside, faults: 2 });
      const kept = (await under.store.devicesSetAside()).map(({ device, faults, until }) => [device, faults, until]);
      assert.deepEqual(kept, [
        ['GPU-0', 1, null],
        ['GPU-1', 2, aside.until],
      ]);
      assert.deepEqual(
        [await under.store.takeDeviceBack('GPU-0'), await under.store.takeDeviceBack('GPU-0')],
        [true, false],
      );
      assert.deepEqual(
        (await under.store.devicesSetAside()).map(({ device }) => device),
        ['GPU-1'],
      );
    });

    test('concurrent writes neither wait forever nor lose counts', async () => {
      const { id, trials } = await experiment(5, 4);
      await Promise.all(trials.map((trial) => finish(id, trial)));
      assert.deepEqual((await under.store.getExperiment(id))?.counts, { succeeded: 20 });
    });

    test('a change of an unknown experiment says so', async () => {
      await assert.rejects(under.store.setExperimentState('e-none', 'running'), UnknownExperiment);
      assert.deepEqual(await under.store.trialsForComparison('e-none'), []);
    });
  });
}

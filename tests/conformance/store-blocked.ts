/** What every store must do for experiments that do not go on, whatever database it sits on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockedOf } from '@lamina/domain/contract/blocked.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import { UnknownExperiment } from '@lamina/platform/application/ports/errors.ts';
import { AT, describeStore, type OpenDatabase } from './store-under-test.ts';

const FAILING = { lastError: 'no space left on device', since: AT, retrying: true };
const LATER = '2026-01-01T01:00:00.000Z';

export function storeBlockedConformance(name: string, open: OpenDatabase, options: { skip?: string } = {}): void {
  describeStore(`experiments that do not go on, in the store on ${name}`, open, options, (under) => {
    const told = async (id: string) =>
      (await under.store.experimentEvents(id, 0, 100)).flatMap(({ type, data }) =>
        type === 'experiment' && 'blocked' in (data as object) ? [(data as { blocked: unknown }).blocked] : [],
      );

    test('a mark is there until it is cleared; its newest error and its first moment are kept, and it is news once', async () => {
      const { store } = under;
      const { id } = await under.experiment();
      assert.deepEqual((await store.getExperiment(id))?.blocked, {});
      await store.markBlocked(id, 'advance', FAILING);
      await store.markBlocked(id, 'advance', { ...FAILING, lastError: 'still\0 none', since: LATER });
      const kept = { advance: { ...FAILING, lastError: 'still\ufffd none' } };
      assert.deepEqual((await store.getExperiment(id))?.blocked, kept);
      const listed = await store.listExperiments({ limit: 1, cursor: null });
      assert.deepEqual(listed.items[0]?.blocked, kept);
      assert.deepEqual(
        (await store.listBlocked()).filter(({ experimentId }) => experimentId === id),
        [{ experimentId: id, blocked: kept }],
      );
      assert.deepEqual(await told(id), [blockedOf({ advance: FAILING })]);
      await store.clearBlocked(id, ['begin', 'advance']);
      await store.clearBlocked(id, ['advance']);
      assert.deepEqual((await store.getExperiment(id))?.blocked, {});
      assert.equal(
        (await store.listBlocked()).some(({ experimentId }) => experimentId === id),
        false,
      );
      assert.deepEqual((await told(id)).slice(1), [null]);
    });

    test('activities are marked and cleared each by itself; one that was given up is news again', async () => {
      const { store } = under;
      const { id } = await under.experiment();
      await store.markBlocked(id, 'advance', FAILING);
      await store.markBlocked(id, 'searchStep', { ...FAILING, since: LATER });
      await store.markBlocked(id, 'searchStep', { ...FAILING, retrying: false });
      const search = { ...FAILING, since: LATER, retrying: false };
      assert.deepEqual((await store.getExperiment(id))?.blocked, { advance: FAILING, searchStep: search });
      await store.clearBlocked(id, ['advance']);
      assert.deepEqual((await store.getExperiment(id))?.blocked, { searchStep: search });
      assert.equal((await told(id)).length, 4);
    });

    test('several writers lose no mark', async () => {
      const { store } = under;
      const { id } = await under.experiment();
      const names = ['begin', 'prepare', 'advance', 'searchStep', 'applySearch'];
      await Promise.all(names.map((activity) => store.markBlocked(id, activity, FAILING)));
      assert.deepEqual(Object.keys((await store.getExperiment(id))?.blocked ?? {}).toSorted(), names.toSorted());
    });

    test('what has ended is not blocked, whatever is heard of it late', async () => {
      const { store } = under;
      const { id } = await under.experiment();
      await store.markBlocked(id, 'advance', FAILING);
      await store.cancelPending(id);
      await store.setExperimentState(id, 'cancelled');
      assert.deepEqual((await store.getExperiment(id))?.blocked, {});
      await store.markBlocked(id, 'advance', FAILING);
      assert.deepEqual((await store.getExperiment(id))?.blocked, {});
      await assert.rejects(store.markBlocked(newExperimentId(), 'advance', FAILING), UnknownExperiment);
      await store.clearBlocked(newExperimentId(), ['advance']);
    });
  });
}

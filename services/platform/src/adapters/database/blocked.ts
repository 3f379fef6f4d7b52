import { type BlockedActivities, blockedOf } from '@lamina/domain/contract/blocked.ts';
import { hasEnded } from '@lamina/domain/vocabulary/states.ts';
import { sql } from 'kysely';
import type { BlockedStore } from '../../application/ports/blocked-store.ts';
import { type Change, changeExperiment } from './change.ts';
import { json } from './json.ts';
import type { Db, Trx } from './schema.ts';

export function blocked(db: Db): BlockedStore {
  return {
    async markBlocked(experimentId, activity, { lastError, since, retrying }) {
      await changeExperiment(db, experimentId, async (trx, change) => {
        if (hasEnded(change.state)) return;
        const known = await blockedActivities(trx, experimentId);
        const before = known[activity];
        const failing = { lastError, since: before?.since ?? since, retrying };
        const next = { ...known, [activity]: failing };
        // An error may differ with every try: it is kept, and only that the experiment is blocked is news.
        if (before?.retrying === retrying) await keep(trx, experimentId, next);
        else await tell(trx, change, experimentId, next);
      });
    },

    async clearBlocked(experimentId, activities) {
      const found = await blockedActivities(db, experimentId);
      if (!activities.some((activity) => activity in found)) return;
      await changeExperiment(db, experimentId, async (trx, change) => {
        const known = await blockedActivities(trx, experimentId);
        const left = Object.entries(known).filter(([activity]) => !activities.includes(activity));
        if (left.length < Object.keys(known).length) await tell(trx, change, experimentId, Object.fromEntries(left));
      });
    },

    async listBlocked() {
      const rows = await db
        .selectFrom('experiments')
        .select(['id', 'blocked'])
        .where(sql<boolean>`blocked <> '{}'::jsonb`)
        .execute();
      return rows.map(({ id, blocked }) => ({ experimentId: id, blocked }));
    },
  };
}

async function blockedActivities(db: Db | Trx, experimentId: string): Promise<BlockedActivities> {
  const row = await db.selectFrom('experiments').select('blocked').where('id', '=', experimentId).executeTakeFirst();
  return row?.blocked ?? {};
}

async function keep(trx: Trx, experimentId: string, activities: BlockedActivities): Promise<void> {
  await trx
    .updateTable('experiments')
    .set({ blocked: json(activities) })
    .where('id', '=', experimentId)
    .execute();
}

async function tell(trx: Trx, change: Change, experimentId: string, activities: BlockedActivities): Promise<void> {
  await keep(trx, experimentId, activities);
  const { state, counts } = change;
  change.event('experiment', { state, counts, blocked: blockedOf(activities) });
}

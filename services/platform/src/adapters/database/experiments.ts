import { hasEnded } from '@lamina/domain/vocabulary/states.ts';
import { sql } from 'kysely';
import { DocumentChanged, IdempotencyConflict } from '../../application/ports/errors.ts';
import type { ExperimentRecord, ExperimentStore } from '../../application/ports/store.ts';
import { changeExperiment, changeWithin } from './change.ts';
import { decodeId, toPage } from './cursor.ts';
import { json, storable } from './json.ts';
import { insertTrials } from './new-trials.ts';
import { reopened } from './outcomes.ts';
import { insertPreparation, isPrepared } from './preparations.ts';
import { toExperiment } from './rows.ts';
import type { Db, Trx } from './schema.ts';
import { cancelStudies, hasOpenStudies, insertStudies } from './suggestions.ts';

type Experiments = Pick<
  ExperimentStore,
  'createExperiment' | 'addTrials' | 'measuredTrials' | 'getExperiment' | 'listExperiments' | 'setExperimentState'
>;

export function experiments(db: Db): Experiments {
  async function getExperiment(id: string): Promise<ExperimentRecord | null> {
    const row = await db.selectFrom('experiments').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : toExperiment(row);
  }

  return {
    getExperiment,

    async createExperiment(input, { reuse }) {
      const id = await db.transaction().execute(async (trx) => {
        const inserted = await trx
          .insertInto('experiments')
          .values({
            id: input.id,
            name: storable(input.name),
            state: 'pending',
            document: json(input.document),
            policy: json(input.policy),
            dropped: json(input.dropped),
            baseline_cell_id: input.baselineCellId,
            cells: 0,
            next_ordinal: 0,
            idempotency_key: input.idempotencyKey,
            body_hash: input.bodyHash,
            counts: '{}',
          })
          .onConflict((conflict) => conflict.doNothing())
          .returning('id')
          .executeTakeFirst();
        if (inserted === undefined) return null;
        await changeWithin(trx, input.id, async (_, change) => {
          change.added(await insertTrials(trx, input.id, input.trials, input.plans, reuse));
          await insertStudies(trx, input.id, input.studies ?? [], reuse);
          if (input.preparation != null) await insertPreparation(trx, input.id, input.preparation);
          change.experiment('pending');
        });
        return inserted.id;
      });
      const created = id !== null;
      const experiment = created ? await getExperiment(id) : await existing(input.id, input.idempotencyKey);
      if (experiment === null) throw new Error(`experiment ${input.id} vanished while it was created`);
      if (!created) await refuseOtherBody(experiment.id, input.bodyHash);
      return { experiment, created };
    },

    async addTrials(experimentId, trials, plans, { reuse, document, studies = [] }) {
      return changeExperiment(db, experimentId, async (trx, change) => {
        if (document !== undefined) {
          const replaced = await trx
            .updateTable('experiments')
            .set({ document: json(document.to) })
            .where('id', '=', experimentId)
            .where(sql<boolean>`document = ${json(document.from)}::jsonb`)
            .executeTakeFirst();
          if (replaced.numUpdatedRows === 0n) {
            throw new DocumentChanged('the experiment was extended by somebody else meanwhile');
          }
        }
        const counts = await insertTrials(trx, experimentId, trials, plans, reuse);
        const added = Object.values(counts).reduce((sum, count) => sum + count, 0);
        const further = await insertStudies(trx, experimentId, studies, reuse);
        if (added + further > 0) {
          change.added(counts);
          change.experiment(reopened(change.state));
        }
        return added;
      });
    },

    async measuredTrials(trialIds) {
      const { rows } = await sql<{ trial_id: string }>`
        SELECT DISTINCT trial_id FROM results WHERE trial_id = ANY(${[...trialIds]}::text[])`.execute(db);
      return new Set(rows.map((row) => row.trial_id));
    },

    async listExperiments({ limit, cursor, state, name }) {
      const after = decodeId(cursor);
      let query = db
        .selectFrom('experiments')
        .selectAll()
        .orderBy('id', 'desc')
        .limit(limit + 1);
      if (after !== null) query = query.where('id', '<', after);
      if (state !== undefined) query = query.where('state', '=', state);
      if (name !== undefined) query = query.where('name', 'ilike', `%${name.replaceAll(/[\\%_]/g, '\\$&')}%`);
      return toPage((await query.execute()).map(toExperiment), limit, (experiment) => experiment.id);
    },

    async setExperimentState(id, state) {
      return changeExperiment(db, id, async (trx, change) => {
        if (change.state === state) return true;
        if (hasEnded(state) && (await hasOpenTrials(trx, id))) return false;
        if (hasEnded(state) && !(await isPrepared(trx, id))) return false;
        if (state === 'cancelling' || state === 'cancelled') await cancelStudies(trx, id);
        else if (hasEnded(state) && (await hasOpenStudies(trx, id))) return false;
        change.experiment(state);
        return true;
      });
    },
  };

  async function existing(id: string, key: string | null): Promise<ExperimentRecord | null> {
    const row = await db
      .selectFrom('experiments')
      .selectAll()
      .where((eb) => (key === null ? eb('id', '=', id) : eb('idempotency_key', '=', key)))
      .executeTakeFirst();
    return row === undefined ? null : toExperiment(row);
  }

  async function refuseOtherBody(id: string, bodyHash: string): Promise<void> {
    const row = await db.selectFrom('experiments').select('body_hash').where('id', '=', id).executeTakeFirst();
    if (row?.body_hash !== bodyHash) {
      throw new IdempotencyConflict('this idempotency key was used before, for another document');
    }
  }
}

async function hasOpenTrials(trx: Trx, id: string): Promise<boolean> {
  const open = await trx
    .selectFrom('trials')
    .select('id')
    .where('experiment_id', '=', id)
    .where('state', 'in', ['pending', 'running', 'retrying'])
    .limit(1)
    .executeTakeFirst();
  return open !== undefined;
}

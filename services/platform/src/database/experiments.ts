import { likeKey } from '@lamina/domain/matrix/plan.ts';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { ExperimentState, Plan, TrialState } from '@lamina/domain/run/types.ts';
import { sql } from 'kysely';
import { DocumentChanged, IdempotencyConflict } from '../errors.ts';
import type { ExperimentRecord, ExperimentStore } from '../store.ts';
import { changeExperiment, changeWithin } from './change.ts';
import { decodeId, toPage } from './cursor.ts';
import { json, storable } from './json.ts';
import { reopened } from './outcomes.ts';
import { toExperiment } from './rows.ts';
import type { Counts, Db, Trx } from './schema.ts';

type Experiments = Pick<
  ExperimentStore,
  'createExperiment' | 'addTrials' | 'measuredTrials' | 'getExperiment' | 'listExperiments' | 'setExperimentState'
>;

const TERMINAL_EXPERIMENT_STATES: readonly ExperimentState[] = ['succeeded', 'failed', 'cancelled'];

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

    async addTrials(experimentId, trials, plans, { reuse, document }) {
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
        if (added > 0) {
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
        if (TERMINAL_EXPERIMENT_STATES.includes(state) && (await hasOpenTrials(trx, id))) return false;
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

/** Inserts the trials that are not there yet, reused where a result exists; returns the new ones by state. */
async function insertTrials(
  trx: Trx,
  experimentId: string,
  trials: readonly PlannedTrial[],
  plans: Readonly<Record<string, Plan>>,
  reuse: boolean,
): Promise<Counts> {
  const cells = new Map(trials.map((trial) => [trial.cell.id, trial]));
  const cellRows = [...cells.values()].map(({ cell, settings }) => {
    const plan = plans[cell.id];
    if (plan === undefined) throw new Error(`no plan for cell ${cell.id}`);
    const { seed: _, ...seedless } = settings;
    return { id: cell.id, cell, settings: seedless, like_key: likeKey(settings), plan };
  });
  const newCells = await sql<{ id: string }>`
    INSERT INTO cells (experiment_id, id, cell, settings, like_key, plan)
    SELECT ${experimentId}, c.* FROM jsonb_to_recordset(${json(cellRows)}::jsonb)
      AS c (id text, cell jsonb, settings jsonb, like_key text, plan jsonb)
    ON CONFLICT DO NOTHING RETURNING id`.execute(trx);
  const trialRows = trials.map((trial) => ({ id: trial.id, cell_id: trial.cell.id, seed: trial.settings.seed }));
  const inserted = await sql<{ state: TrialState }>`
    INSERT INTO trials (experiment_id, id, cell_id, seed, ordinal, state, reused_from, ended_at)
    SELECT ${experimentId}, t.item->>'id', t.item->>'cell_id', (t.item->>'seed')::bigint,
      (SELECT next_ordinal FROM experiments WHERE id = ${experimentId}) + t.position::int,
      CASE WHEN r.experiment_id IS NULL THEN 'pending' ELSE 'reused' END,
      r.experiment_id,
      CASE WHEN r.experiment_id IS NULL THEN NULL ELSE now() END
    FROM jsonb_array_elements(${json(trialRows)}::jsonb) WITH ORDINALITY AS t (item, position)
    LEFT JOIN LATERAL (
      SELECT experiment_id FROM results
      WHERE ${reuse} AND trial_id = t.item->>'id' ORDER BY recorded_at DESC LIMIT 1
    ) r ON true
    ON CONFLICT DO NOTHING RETURNING state`.execute(trx);
  await sql`UPDATE experiments SET cells = cells + ${newCells.rows.length}, next_ordinal = next_ordinal + ${trials.length}
    WHERE id = ${experimentId}`.execute(trx);
  const counts: Counts = {};
  for (const { state } of inserted.rows) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

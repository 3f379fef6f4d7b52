import type { Cell } from '@lamina/domain/matrix/types.ts';
import { sql } from 'kysely';
import type { ClaimedTrial } from '../../application/ports/records.ts';
import type { ExperimentStore } from '../../application/ports/store.ts';
import { changeExperiment } from './change.ts';
import { decodeNumber, toPage } from './cursor.ts';
import { type TrialRow, toTrial } from './rows.ts';
import type { Db } from './schema.ts';

type Trials = Pick<ExperimentStore, 'listCells' | 'claimTrials' | 'getTrials' | 'listTrials' | 'trialsForComparison'>;

export function trials(db: Db): Trials {
  return {
    async claimTrials(experimentId, batch, limit) {
      return changeExperiment(db, experimentId, async (trx) => {
        const claimed = async () => {
          const { rows } = await sql<{
            id: string;
            attempts: number;
            state: string;
            like_key: string;
            plan: ClaimedTrial['plan'];
          }>`
            SELECT t.id, t.attempts, t.state, c.like_key, c.plan FROM trials t
            JOIN cells c ON c.experiment_id = t.experiment_id AND c.id = t.cell_id
            WHERE t.experiment_id = ${experimentId} AND t.claim = ${batch}
              AND t.state IN ('pending', 'running', 'retrying')
            ORDER BY t.ordinal`.execute(trx);
          return rows.map((row) => ({
            trialId: row.id,
            // A claim may be asked for again when its attempts have been started already.
            attempt: row.state === 'pending' ? row.attempts + 1 : row.attempts,
            likeKey: row.like_key,
            plan: row.plan,
          }));
        };
        const before = await claimed();
        if (before.length > 0) return before;
        const taken = await sql`
          UPDATE trials SET claim = ${batch} WHERE experiment_id = ${experimentId} AND id IN (
            SELECT id FROM trials WHERE experiment_id = ${experimentId} AND state = 'pending' AND claim IS NULL
            ORDER BY ordinal LIMIT ${limit})`.execute(trx);
        return taken.numAffectedRows === 0n ? [] : claimed();
      });
    },

    async listCells(experimentId) {
      const { rows } = await sql<{ cell: Cell }>`
        SELECT cell FROM cells c JOIN (
          SELECT cell_id, min(ordinal) AS place FROM trials WHERE experiment_id = ${experimentId} GROUP BY cell_id
        ) t ON t.cell_id = c.id
        WHERE c.experiment_id = ${experimentId} ORDER BY t.place`.execute(db);
      return rows.map((row) => row.cell);
    },

    async getTrials(experimentId, trialIds) {
      const { rows } = await sql<TrialRow>`${select(sql`r.samples`)}
        WHERE t.experiment_id = ${experimentId} AND t.id = ANY(${[...trialIds]}::text[])
        ORDER BY t.ordinal`.execute(db);
      return rows.map(toTrial);
    },

    async listTrials(experimentId, { limit, cursor, state, cellId }) {
      const after = decodeNumber(cursor);
      const { rows } = await sql<TrialRow>`${select(sql`NULL`)}
        WHERE t.experiment_id = ${experimentId}
          ${after === null ? sql`` : sql`AND t.ordinal > ${after}`}
          ${state === undefined ? sql`` : sql`AND t.state = ${state}`}
          ${cellId === undefined ? sql`` : sql`AND t.cell_id = ${cellId}`}
        ORDER BY t.ordinal LIMIT ${limit + 1}`.execute(db);
      return toPage(rows.map(toTrial), limit, (trial) => trial.ordinal);
    },

    async trialsForComparison(experimentId) {
      const cells = await db
        .selectFrom('cells')
        .select(['id', 'cell', 'settings'])
        .where('experiment_id', '=', experimentId)
        .execute();
      const byId = new Map(cells.map((cell) => [cell.id, cell]));
      // Thousands of trials share few cells: those are read once and joined here.
      const { rows } = await sql<Omit<TrialRow, 'cell' | 'settings'>>`
        SELECT t.*, r.summary, NULL AS samples, NULL AS attempt_id, NULL AS phase, NULL AS step, NULL AS steps,
          NULL AS waiting
        FROM trials t ${JOIN_RESULT}
        WHERE t.experiment_id = ${experimentId} ORDER BY t.ordinal`.execute(db);
      return rows.map((row) => {
        const cell = byId.get(row.cell_id);
        if (cell === undefined) throw new Error(`trial ${row.id} has no cell ${row.cell_id}`);
        return toTrial({ ...row, cell: cell.cell, settings: cell.settings });
      });
    },
  };
}

/** A trial set back to pending keeps its old result row until the next one; it must not be shown meanwhile. */
const JOIN_RESULT = sql`LEFT JOIN results r ON r.trial_id = t.id
  AND r.experiment_id = coalesce(t.reused_from, t.experiment_id)
  AND t.state IN ('succeeded', 'diverged', 'reused')`;

function select(samples: ReturnType<typeof sql>) {
  return sql`
    SELECT t.*, c.cell, c.settings, r.summary, ${samples} AS samples, a.id AS attempt_id, a.phase, a.step, a.steps, a.waiting
    FROM trials t
    JOIN cells c ON c.experiment_id = t.experiment_id AND c.id = t.cell_id
    LEFT JOIN attempts a ON a.experiment_id = t.experiment_id AND a.trial_id = t.id AND a.attempt = t.attempts
    ${JOIN_RESULT}`;
}

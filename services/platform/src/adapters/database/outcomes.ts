import type { TrialState } from '@lamina/domain/vocabulary/states.ts';
import { type RawBuilder, sql } from 'kysely';
import type { ExperimentStore } from '../../application/ports/store.ts';
import { type Change, changeExperiment } from './change.ts';
import { json } from './json.ts';
import { splitResult } from './rows.ts';
import type { Db, Trx } from './schema.ts';

type Outcomes = Pick<ExperimentStore, 'beginRun' | 'recordOutcomes' | 'failAlike' | 'resetTrials' | 'cancelPending'>;

/** Moves trials to their ends and back to `pending`; from attempt to attempt they are moved in `attempts.ts`. */
export function outcomes(db: Db): Outcomes {
  return {
    async beginRun(experimentId) {
      await changeExperiment(db, experimentId, async (trx, change) => {
        await sql`UPDATE trials SET claim = NULL
          WHERE experiment_id = ${experimentId} AND claim IS NOT NULL AND state = 'pending'`.execute(trx);
        await moveTrials(trx, change, experimentId, {
          to: sql`'pending'`,
          set: sql`claim = NULL`,
          where: sql`t.state IN ('running', 'retrying')`,
        });
      });
    },

    async recordOutcomes(experimentId, list) {
      if (list.length === 0) return;
      await changeExperiment(db, experimentId, async (trx, change) => {
        const first = new Map<string, (typeof list)[number]>();
        for (const outcome of list) if (!first.has(outcome.trialId)) first.set(outcome.trialId, outcome);
        const rows = [...first.values()].map(({ trialId, state, message }) => ({ id: trialId, state, message }));
        const moved = await moveTrials(trx, change, experimentId, {
          from: sql`, jsonb_to_recordset(${json(rows)}::jsonb) AS o (id text, state text, message text)`,
          to: sql`o.state`,
          set: sql`message = o.message, ended_at = now()`,
          where: sql`o.id = t.id AND t.state IN ('pending', 'running', 'retrying')`,
        });
        const results = [...first.values()].flatMap(({ trialId, result }) =>
          result !== null && moved.has(trialId) ? [{ id: trialId, ...splitResult(result) }] : [],
        );
        if (results.length === 0) return;
        await sql`
          INSERT INTO results (experiment_id, trial_id, summary, samples)
          SELECT ${experimentId}, r.* FROM jsonb_to_recordset(${json(results)}::jsonb)
            AS r (id text, summary jsonb, samples jsonb)
          ON CONFLICT (experiment_id, trial_id) DO UPDATE
            SET summary = excluded.summary, samples = excluded.samples, recorded_at = now()`.execute(trx);
      });
    },

    async failAlike(experimentId, { trialId, subject, message }) {
      return changeExperiment(db, experimentId, async (trx, change) => {
        const sharing = await sql<{ id: string }>`
          SELECT c.id FROM cells c, trials t JOIN cells o ON o.experiment_id = t.experiment_id AND o.id = t.cell_id
          WHERE c.experiment_id = ${experimentId} AND t.experiment_id = ${experimentId} AND t.id = ${trialId}
            AND c.settings -> ${subject}::text = o.settings -> ${subject}::text`.execute(trx);
        const cellIds = sharing.rows.map(({ id }) => id);
        await moveTrials(trx, change, experimentId, {
          to: sql`'failed'`,
          set: sql`message = ${message}, ended_at = now()`,
          where: sql`t.state = 'pending' AND t.cell_id = ANY(${cellIds}::text[])`,
          isTold: true,
        });
        return cellIds;
      });
    },

    async resetTrials(experimentId, { states, trialIds }) {
      return changeExperiment(db, experimentId, async (trx, change) => {
        const moved = await moveTrials(trx, change, experimentId, {
          to: sql`'pending'`,
          set: sql`claim = NULL, message = NULL, started_at = NULL, ended_at = NULL, reused_from = NULL`,
          where: sql`t.state = ANY(${[...states]}::text[])
            ${trialIds === undefined ? sql`` : sql`AND t.id = ANY(${[...trialIds]}::text[])`}`,
        });
        if (moved.size > 0) change.experiment(reopened(change.state));
        return moved.size;
      });
    },

    async cancelPending(experimentId) {
      return changeExperiment(db, experimentId, async (trx, change) => {
        const moved = await moveTrials(trx, change, experimentId, {
          to: sql`'cancelled'`,
          set: sql`ended_at = now(), message = 'cancelled before it ran'`,
          where: sql`t.state IN ('pending', 'retrying')`,
        });
        return moved.size;
      });
    },
  };
}

/** An experiment with open trials is not terminal: a restarted process must find it. */
export function reopened(state: Change['state']): Change['state'] {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled' ? 'pending' : state;
}

interface Move {
  readonly from?: RawBuilder<unknown>;
  readonly to: RawBuilder<unknown>;
  readonly set: RawBuilder<unknown>;
  readonly where: RawBuilder<unknown>;
  /** An event has told the message already. */
  readonly isTold?: true;
}

/** Moves trials and reports each one moved; returns their ids. */
export async function moveTrials(trx: Trx, change: Change, experimentId: string, move: Move): Promise<Set<string>> {
  // `before` is the row as it was when the statement began; the experiment's row lock keeps it that way.
  const { rows } = await sql<{
    id: string;
    cell_id: string;
    seed: string | number;
    before: TrialState;
    state: TrialState;
    attempts: number;
    message: string | null;
  }>`
    UPDATE trials t SET state = ${move.to}, ${move.set}
    FROM trials before ${move.from ?? sql``}
    WHERE before.experiment_id = ${experimentId} AND t.experiment_id = ${experimentId} AND before.id = t.id
      AND ${move.where}
    RETURNING t.id, t.cell_id, t.seed, before.state AS before, t.state, t.attempts, t.message`.execute(trx);
  for (const row of rows) {
    change.trial({
      trialId: row.id,
      cellId: row.cell_id,
      seed: Number(row.seed),
      from: row.before,
      state: row.state,
      attempts: row.attempts,
      message: move.isTold === true ? null : row.message,
    });
  }
  return new Set(rows.map((row) => row.id));
}

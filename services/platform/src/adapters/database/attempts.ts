import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import { sql } from 'kysely';
import type { ExperimentStore } from '../../application/ports/store.ts';
import { changeExperiment } from './change.ts';
import { json } from './json.ts';
import { moveTrials } from './outcomes.ts';
import { toAttempt, toPendingReason } from './rows.ts';
import type { Db } from './schema.ts';

type Attempts = Pick<
  ExperimentStore,
  'startAttempts' | 'noteAttempts' | 'endAttempts' | 'listAttempts' | 'getAttempt' | 'getAttempts'
>;

export function attempts(db: Db): Attempts {
  return {
    async startAttempts(list) {
      for (const [experimentId, group] of Map.groupBy(list, (attempt) => attempt.experimentId)) {
        await changeExperiment(db, experimentId, async (trx, change) => {
          const rows = group.map(({ attemptId, trialId, attempt, plan }) => ({
            id: attemptId,
            trial_id: trialId,
            attempt,
            plan,
          }));
          const inserted = await sql<{ id: string; trial_id: string; attempt: number }>`
            INSERT INTO attempts (id, experiment_id, trial_id, attempt, plan)
            SELECT a.id, ${experimentId}, a.trial_id, a.attempt, a.plan
            FROM jsonb_to_recordset(${json(rows)}::jsonb)
              AS a (id text, trial_id text, attempt integer, plan jsonb)
            ON CONFLICT DO NOTHING RETURNING id, trial_id, attempt`.execute(trx);
          for (const row of inserted.rows) {
            change.event('attempt', {
              attemptId: row.id,
              trialId: row.trial_id,
              attempt: row.attempt,
              outcome: null,
              message: null,
            });
          }
          const started = inserted.rows.map((row) => ({ id: row.trial_id, attempt: row.attempt }));
          if (started.length === 0) return;
          await moveTrials(trx, change, experimentId, {
            from: sql`, jsonb_to_recordset(${json(started)}::jsonb) AS a (id text, attempt integer)`,
            to: sql`'running'`,
            // The message was of the attempt before: a trial that runs has none.
            set: sql`attempts = greatest(t.attempts, a.attempt), message = NULL, started_at = coalesce(t.started_at, now())`,
            where: sql`a.id = t.id AND t.state IN ('pending', 'running', 'retrying')`,
          });
        });
      }
    },

    async noteAttempts(experimentId, observations) {
      const rows = observations.flatMap(({ attemptId, state, reason }) =>
        state === 'ended'
          ? []
          : [{ id: attemptId, running: state === 'running', waiting: reason && JSON.stringify(reason) }],
      );
      if (rows.length === 0) return;
      const seen = sql`jsonb_to_recordset(${json(rows)}::jsonb) AS s (id text, running boolean, waiting text)`;
      const news = sql`a.experiment_id = ${experimentId} AND a.ending IS NULL
        AND ((s.running AND a.running_at IS NULL) OR a.waiting IS DISTINCT FROM s.waiting)`;
      const found = await sql`SELECT 1 FROM attempts a JOIN ${seen} ON s.id = a.id WHERE ${news} LIMIT 1`.execute(db);
      if (found.rows.length === 0) return;
      await changeExperiment(db, experimentId, async (trx, change) => {
        const changed = await sql<{
          id: string;
          trial_id: string;
          attempt: number;
          waiting: string | null;
          told: boolean;
        }>`
          WITH before AS (SELECT id, waiting FROM attempts WHERE experiment_id = ${experimentId} AND ending IS NULL)
          UPDATE attempts a SET waiting = s.waiting,
            running_at = CASE WHEN s.running THEN coalesce(a.running_at, now()) ELSE a.running_at END
          FROM before b JOIN ${seen} ON s.id = b.id
          WHERE a.id = b.id AND ${news}
          RETURNING a.id, a.trial_id, a.attempt, a.waiting, b.waiting IS DISTINCT FROM a.waiting AS told`.execute(trx);
        for (const row of changed.rows.filter(({ told }) => told)) {
          const { id: attemptId, trial_id: trialId, attempt } = row;
          const waiting = toPendingReason(row.waiting);
          change.event('attempt', { attemptId, trialId, attempt, outcome: null, message: null, waiting });
        }
      });
    },

    async endAttempts(ends) {
      if (ends.length === 0) return [];
      const recorded: AttemptEnd[] = [];
      const known = await db
        .selectFrom('attempts')
        .select(['id', 'experiment_id', 'trial_id', 'attempt'])
        .where(sql<boolean>`id = ANY(${ends.map((end) => end.attemptId)}::text[])`)
        .execute();
      const byId = new Map(ends.toReversed().map((end) => [end.attemptId, end.end]));
      const last = new Set(ends.flatMap((end) => (end.last === true ? [end.attemptId] : [])));
      for (const [experimentId, group] of Map.groupBy(known, (row) => row.experiment_id)) {
        const rows = group.map(({ id }) => ({ id, ending: byId.get(id), ended_at: byId.get(id)?.endedAt }));
        const recordedHere = await changeExperiment(db, experimentId, async (trx, change) => {
          const ended = await sql<{ id: string; trial_id: string; attempt: number }>`
              UPDATE attempts a SET ending = e.ending, ended_at = e.ended_at
              FROM jsonb_to_recordset(${json(rows)}::jsonb) AS e (id text, ending jsonb, ended_at timestamptz)
              WHERE a.id = e.id AND a.ending IS NULL
              RETURNING a.id, a.trial_id, a.attempt`.execute(trx);
          const news: AttemptEnd[] = [];
          for (const row of ended.rows) {
            const end = byId.get(row.id);
            if (end === undefined) continue;
            news.push(end);
            change.event('attempt', {
              attemptId: row.id,
              trialId: row.trial_id,
              attempt: row.attempt,
              outcome: end.outcome,
              message: end.message,
            });
          }
          const failed = group.flatMap(({ id, trial_id, attempt }) => {
            const end = byId.get(id);
            const isFailure = end !== undefined && end.outcome !== 'succeeded' && end.outcome !== 'diverged';
            return isFailure && !last.has(id) ? [{ id: trial_id, attempt, message: end.message }] : [];
          });
          if (failed.length === 0) return news;
          await moveTrials(trx, change, experimentId, {
            from: sql`, jsonb_to_recordset(${json(failed)}::jsonb)
                AS f (id text, attempt integer, message text)`,
            to: sql`'retrying'`,
            set: sql`message = f.message`,
            where: sql`f.id = t.id AND f.attempt = t.attempts AND t.state = 'running'`,
          });
          return news;
        });
        recorded.push(...recordedHere);
      }
      return recorded;
    },

    async listAttempts(experimentId, trialId) {
      let query = db.selectFrom('attempts').selectAll().where('experiment_id', '=', experimentId);
      if (trialId !== undefined) query = query.where('trial_id', '=', trialId);
      return (await query.orderBy('trial_id').orderBy('attempt').execute()).map(toAttempt);
    },

    async getAttempts(attemptIds) {
      if (attemptIds.length === 0) return [];
      const rows = await db
        .selectFrom('attempts')
        .selectAll()
        .where(sql<boolean>`id = ANY(${[...attemptIds]}::text[])`)
        .execute();
      return rows.map(toAttempt);
    },

    async getAttempt(attemptId) {
      const row = await db.selectFrom('attempts').selectAll().where('id', '=', attemptId).executeTakeFirst();
      return row === undefined ? null : toAttempt(row);
    },
  };
}

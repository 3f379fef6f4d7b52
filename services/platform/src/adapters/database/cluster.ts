import { sql } from 'kysely';
import type { ClusterStore } from '../../application/ports/cluster-store.ts';
import { changeExperiment } from './change.ts';
import { json } from './json.ts';
import { toPendingReason } from './rows.ts';
import type { Db } from './schema.ts';

export function cluster(db: Db): ClusterStore {
  return {
    async announce(runnerFacts) {
      await sql`INSERT INTO surroundings (id, content) VALUES (1, ${json(runnerFacts)}::jsonb)
        ON CONFLICT (id) DO UPDATE SET content = excluded.content, at = now()`.execute(db);
    },

    async getRunnerFacts() {
      const row = await db.selectFrom('surroundings').select('content').executeTakeFirst();
      return row?.content ?? null;
    },

    async claimGpuRefresh(everySeconds) {
      const claimed = await sql`UPDATE gpu_inventory SET claimed_at = now()
        WHERE claimed_at <= now() - make_interval(secs => ${everySeconds}::float8)`.execute(db);
      return claimed.numAffectedRows === 1n;
    },

    async putGpuInventory(inventory) {
      await sql`UPDATE gpu_inventory SET content = ${json(inventory)}::jsonb`.execute(db);
    },

    async getGpuInventory() {
      const row = await db.selectFrom('gpu_inventory').select('content').executeTakeFirst();
      return row?.content ?? null;
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
  };
}

import type { TrialEvent } from '@lamina/domain/contract/trial.ts';
import { type Selectable, sql } from 'kysely';
import { AttemptEnded, UnknownAttempt } from '../../application/ports/errors.ts';
import type { ExperimentStore } from '../../application/ports/store.ts';
import { changeWithin } from './change.ts';
import { json } from './json.ts';
import { eventDataOf } from './rows.ts';
import type { Db, Schema, Trx } from './schema.ts';

type Events = Pick<ExperimentStore, 'appendTrialEvents' | 'listTrialEvents' | 'experimentEvents'>;
type AttemptRow = Selectable<Schema['attempts']>;

/** Between two metrics lines of one attempt in the experiment's history. */
const METRICS_EVERY_MS = 1000;

export function events(db: Db): Events {
  return {
    async appendTrialEvents(attemptId, list) {
      const found = await db.selectFrom('attempts').selectAll().where('id', '=', attemptId).executeTakeFirst();
      if (found === undefined) throw new UnknownAttempt(`there is no attempt ${attemptId}`);
      if (found.ending !== null) throw new AttemptEnded(`attempt ${attemptId} has ended`);
      const show = list.some((event) => event.type !== 'heartbeat') && isDue(found, list);
      return db.transaction().execute(async (trx) => {
        if (!show) return (await append(trx, attemptId, list, false)).receipt;
        // The experiment's row first, as everywhere: see changeExperiment.
        return changeWithin(trx, found.experiment_id, async (_, change) => {
          const { receipt, latest } = await append(trx, attemptId, list, true);
          change.event('metrics', { attemptId, trialId: found.trial_id, ...latest });
          return receipt;
        });
      });
    },

    async listTrialEvents(attemptId, afterSeq, limit) {
      const rows = await db
        .selectFrom('trial_events')
        .select('event')
        .where('attempt_id', '=', attemptId)
        .where('seq', '>', afterSeq)
        .orderBy('seq')
        .limit(limit)
        .execute();
      return rows.map((row) => row.event);
    },

    async experimentEvents(experimentId, afterId, limit) {
      const rows = await db
        .selectFrom('experiment_events')
        .selectAll()
        .where('experiment_id', '=', experimentId)
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ id, at, type, data }) => ({ id, at: at.toISOString(), type, data: eventDataOf(data) }));
    },
  };
}

function isDue(attempt: AttemptRow, list: readonly TrialEvent[]): boolean {
  if (attempt.metrics_at === null || Date.now() - attempt.metrics_at.getTime() >= METRICS_EVERY_MS) return true;
  return list.some(({ type }) => type === 'phase' || type === 'evaluation');
}

async function append(trx: Trx, attemptId: string, list: readonly TrialEvent[], shown: boolean) {
  const attempt = await trx
    .selectFrom('attempts')
    .select(['last_seq', 'phase', 'step', 'steps'])
    .where('id', '=', attemptId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const rows = list.map((event) => ({ seq: event.seq, event }));
  const inserted = await sql`
    INSERT INTO trial_events (attempt_id, seq, event)
    SELECT ${attemptId}, e.* FROM jsonb_to_recordset(${json(rows)}::jsonb) AS e (seq integer, event jsonb)
    ON CONFLICT DO NOTHING`.execute(trx);
  // Numbers from last_seq + 1 on without a gap: those whose distance to their rank is last_seq.
  const contiguous = await sql<{ last: number | null }>`
    SELECT max(seq) AS last FROM (
      SELECT seq, seq - row_number() OVER (ORDER BY seq) AS gap FROM trial_events
      WHERE attempt_id = ${attemptId} AND seq > ${attempt.last_seq}
    ) AS numbered WHERE gap = ${attempt.last_seq}`.execute(trx);
  const lastSeq = contiguous.rows[0]?.last ?? attempt.last_seq;
  const latest = latestOf(attempt, list);
  await sql`UPDATE attempts SET last_seq = ${lastSeq}, last_event_at = now(), phase = ${latest.phase},
    step = ${latest.step}, steps = ${latest.steps}, waiting = NULL, running_at = coalesce(running_at, now()) ${shown ? sql`, metrics_at = now()` : sql``}
    WHERE id = ${attemptId}`.execute(trx);
  return { receipt: { accepted: Number(inserted.numAffectedRows ?? 0n), lastSeq }, latest };
}

/**
 * What the batch says last. A repeated or late batch never moves a step backwards, and what it measured at an earlier step
 * is not shown with the newer one.
 */
function latestOf(attempt: Pick<AttemptRow, 'phase' | 'step' | 'steps'>, list: readonly TrialEvent[]) {
  const ordered = list.toSorted((a, b) => a.seq - b.seq);
  const phase = ordered.findLast((event) => event.type === 'phase');
  const step = ordered.findLast((event) => event.type === 'step');
  const news = step === undefined || step.step < (attempt.step ?? 0) ? undefined : step;
  return {
    phase: phase?.phase ?? attempt.phase,
    step: step === undefined ? attempt.step : Math.max(step.step, attempt.step ?? 0),
    steps: step?.steps ?? attempt.steps,
    loss: news?.loss ?? null,
    tokensPerSecond: news?.tokensPerSecond ?? null,
    memoryBytes: news?.memoryBytes ?? null,
  };
}

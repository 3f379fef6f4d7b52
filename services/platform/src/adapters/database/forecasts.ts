import { sql } from 'kysely';
import type { ForecastStore } from '../../application/ports/forecast-store.ts';
import { json } from './json.ts';
import type { Db, Trx } from './schema.ts';

/** The row of the experiment itself, next to those of its cells. */
const WHOLE = '';

/** What was predicted at submission, and what came of it. */
export function forecasts(db: Db): Pick<ForecastStore, 'saveForecasts' | 'checkedForecasts'> {
  return {
    async saveForecasts(experimentId, list) {
      if (list.length === 0) return;
      const rows = list.map(({ cellId, interval, widening, overheadSeconds, startSeconds }) => ({
        ...interval,
        cell_id: cellId ?? WHOLE,
        widening,
        overhead: overheadSeconds,
        start_median: startSeconds,
      }));
      await sql`
        INSERT INTO predictions (experiment_id, cell_id, low, median, high, widening, overhead, start_median)
        SELECT ${experimentId}, p.* FROM jsonb_to_recordset(${json(rows)}::jsonb) AS p (cell_id text, low float8,
          median float8, high float8, widening float8, overhead float8, start_median float8)
        ON CONFLICT DO NOTHING`.execute(db);
    },

    async checkedForecasts(limit) {
      const newest = (whole: boolean) =>
        db
          .selectFrom('predictions')
          .selectAll()
          .where('outcome', '=', 'succeeded')
          .where('cell_id', whole ? '=' : '<>', WHOLE)
          .orderBy('settled_at', 'desc')
          .limit(limit)
          .execute();
      const [ends, durations] = [await newest(true), await newest(false)];
      const checked = ({ low, median, high, widening, actual }: (typeof ends)[number]) =>
        actual === null ? [] : [{ predicted: { low, median, high }, widening, actual }];
      return {
        ends: ends.flatMap(checked),
        durations: durations.flatMap(checked),
        starts: ends.flatMap(({ start_median: predicted, actual_start: actual }) =>
          predicted === null || actual === null ? [] : [{ predicted, actual }],
        ),
      };
    },
  };
}

/** The experiment has ended for the first time: what happened is put next to what was predicted. */
export async function closeForecasts(trx: Trx, experimentId: string, outcome: string): Promise<void> {
  await sql`
    UPDATE predictions p SET settled_at = now(), outcome = coalesce(p.outcome, ${outcome}),
      actual = CASE WHEN p.cell_id = ${WHOLE} THEN extract(epoch FROM now() - p.made_at)
        ELSE (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (r.summary #>> '{seconds,total}')::float8) + p.overhead
          FROM trials t JOIN results r ON r.experiment_id = t.experiment_id AND r.trial_id = t.id
          WHERE t.experiment_id = p.experiment_id AND t.cell_id = p.cell_id AND t.state = 'succeeded'
            AND r.summary #>> '{training,resumedFromStep}' IS NULL) END,
      actual_start = CASE WHEN p.cell_id = ${WHOLE} THEN (
        SELECT extract(epoch FROM min(a.running_at) - p.made_at) FROM attempts a WHERE a.experiment_id = p.experiment_id) END
    WHERE p.experiment_id = ${experimentId} AND p.settled_at IS NULL`.execute(trx);
}

/** Somebody changed what was predicted (a pause, a cancel, a retry, an extension): it says nothing of forecasts. */
export async function discardForecasts(trx: Trx, experimentId: string): Promise<void> {
  await sql`UPDATE predictions SET outcome = 'disturbed'
    WHERE experiment_id = ${experimentId} AND outcome IS NULL`.execute(trx);
}

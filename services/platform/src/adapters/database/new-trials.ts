import { likeKey } from '@lamina/domain/matrix/plan.ts';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { Plan } from '@lamina/domain/run/types.ts';
import type { TrialState } from '@lamina/domain/vocabulary/states.ts';
import { sql } from 'kysely';
import { json } from './json.ts';
import type { Counts, Trx } from './schema.ts';

/** Inserts the trials that are not there yet, reused where a result exists; returns the new ones by state. */
export async function insertTrials(
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

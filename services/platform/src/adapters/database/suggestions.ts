/** The rows of studies and suggestions, within the transactions that change them. */
import type { Study, Suggestion } from '@lamina/domain/search/types.ts';
import { sql } from 'kysely';
import { json } from './json.ts';
import type { Trx } from './schema.ts';

/** Studies of an experiment that is being created or extended; those that are there stay as they are. */
export async function insertStudies(
  trx: Trx,
  experimentId: string,
  studies: readonly Study[],
  reuse: boolean,
): Promise<number> {
  if (studies.length === 0) return 0;
  const inserted = await sql`
    INSERT INTO studies (experiment_id, key, ordinal, definition, reuse)
    SELECT ${experimentId}, s.item->>'key',
      s.position + (SELECT count(*) FROM studies WHERE experiment_id = ${experimentId}), s.item, ${reuse}
    FROM jsonb_array_elements(${json(studies)}::jsonb) WITH ORDINALITY AS s (item, position)
    ON CONFLICT DO NOTHING`.execute(trx);
  return Number(inserted.numAffectedRows ?? 0n);
}

export async function hasOpenStudies(trx: Trx, experimentId: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM studies WHERE experiment_id = ${experimentId} AND state = 'open' LIMIT 1`.execute(trx);
  return rows.length > 0;
}

/** Their experiment is cancelled: what has not ended by then has no value. */
export async function cancelStudies(trx: Trx, experimentId: string): Promise<void> {
  await sql`UPDATE studies SET state = 'cancelled'
    WHERE experiment_id = ${experimentId} AND state = 'open'`.execute(trx);
  const end = json({ state: 'failed', values: null, message: 'cancelled' });
  await sql`UPDATE suggestions SET ending = ${end}::jsonb
    WHERE experiment_id = ${experimentId} AND ending IS NULL`.execute(trx);
}

/** The first end stays, and what the tuner knows and wants only grows. */
export async function updateSuggestions(
  trx: Trx,
  experimentId: string,
  studyKey: string,
  suggestions: readonly Suggestion[],
): Promise<void> {
  if (suggestions.length === 0) return;
  await sql`UPDATE suggestions g SET
      ending = coalesce(g.ending, s.ending), told = g.told OR s.told, pruning = g.pruning OR s.pruning,
      reported_step = greatest(g.reported_step, s.reported_step)
    FROM jsonb_to_recordset(${json(suggestions.map(toRow))}::jsonb)
      AS s (number integer, ending jsonb, told boolean, pruning boolean, reported_step integer)
    WHERE g.experiment_id = ${experimentId} AND g.study_key = ${studyKey} AND g.number = s.number`.execute(trx);
}

export async function insertSuggestions(
  trx: Trx,
  experimentId: string,
  studyKey: string,
  suggestions: readonly Suggestion[],
): Promise<void> {
  await sql`INSERT INTO suggestions
      (experiment_id, study_key, number, parameters, trial_id, own, ending, told, reported_step, pruning)
    SELECT ${experimentId}, ${studyKey}, s.* FROM jsonb_to_recordset(${json(suggestions.map(toRow))}::jsonb)
      AS s (number integer, parameters jsonb, trial_id text, own boolean, ending jsonb, told boolean,
        reported_step integer, pruning boolean)`.execute(trx);
}

/** Those of these trials that are there, and not for suggestions alone. */
export async function plainTrials(
  trx: Trx,
  experimentId: string,
  trialIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    SELECT t.id FROM trials t WHERE t.experiment_id = ${experimentId} AND t.id = ANY(${[...trialIds]}::text[])
      AND NOT EXISTS (
        SELECT 1 FROM suggestions g WHERE g.experiment_id = t.experiment_id AND g.trial_id = t.id AND g.own
      )`.execute(trx);
  return new Set(rows.map(({ id }) => id));
}

function toRow({ number, parameters, trialId, own, end, told, reportedStep, pruning }: Suggestion) {
  // An absent end is SQL's NULL, not JSON's.
  const ending = end ?? undefined;
  return { number, parameters, trial_id: trialId, own, ending, told, reported_step: reportedStep, pruning };
}

import type { TrialSettings } from '@lamina/domain/contract/settings.ts';
import type { Plan, TrialEvent } from '@lamina/domain/contract/trial.ts';
import type { Cell } from '@lamina/domain/matrix/types.ts';
import { newSuggestion } from '@lamina/domain/search/advance.ts';
import { sql } from 'kysely';
import type { ObservedTrial, SearchStore, StudyProgress } from '../../application/ports/search-store.ts';
import { changeExperiment } from './change.ts';
import { decodePlace, encodePlace } from './cursor.ts';
import { json } from './json.ts';
import { insertTrials } from './new-trials.ts';
import { type SuggestionRow, toSuggestion } from './rows.ts';
import type { Db } from './schema.ts';
import { insertSuggestions, plainTrials, updateSuggestions } from './suggestions.ts';

interface BaseRow {
  readonly id: string;
  readonly seed: string | number;
  readonly cell: Cell;
  readonly settings: Omit<TrialSettings, 'seed'>;
  readonly plan: Plan;
}

export function searches(db: Db): SearchStore {
  return {
    async hasSearch(experimentId) {
      const { rows } = await sql`SELECT 1 FROM studies WHERE experiment_id = ${experimentId} LIMIT 1`.execute(db);
      return rows.length > 0;
    },

    async isSearching() {
      const { rows } = await sql`SELECT 1 FROM studies WHERE state = 'open' LIMIT 1`.execute(db);
      return rows.length > 0;
    },

    async listStudies(experimentId) {
      const rows = await db
        .selectFrom('studies')
        .select(['definition', 'state', 'message'])
        .where('experiment_id', '=', experimentId)
        .orderBy('ordinal')
        .execute();
      return rows.map(({ definition, ...rest }) => ({ study: definition, ...rest }));
    },

    async suggestionsOf(experimentId, studyKey) {
      const { rows } = await sql<SuggestionRow>`${SELECT}
        WHERE g.experiment_id = ${experimentId} AND g.study_key = ${studyKey} ORDER BY g.number`.execute(db);
      return rows.map(toSuggestion);
    },

    async listSuggestions(experimentId, { limit, cursor, studyKey }) {
      const after = decodePlace(cursor);
      const { rows } = await sql<SuggestionRow>`${SELECT}
        WHERE g.experiment_id = ${experimentId}
          ${studyKey === undefined ? sql`` : sql`AND g.study_key = ${studyKey}`}
          ${after === null ? sql`` : sql`AND (s.ordinal, g.number) > (${after[0]}::int, ${after[1]}::int)`}
        ORDER BY s.ordinal, g.number LIMIT ${limit + 1}`.execute(db);
      const last = rows[limit - 1];
      return {
        items: rows.slice(0, limit).map(toSuggestion),
        nextCursor: rows.length > limit && last !== undefined ? encodePlace(last.study_ordinal, last.number) : null,
      };
    },

    async baseTrials(experimentId, cellIds) {
      const { rows } = await sql<BaseRow>`
        SELECT DISTINCT ON (t.cell_id) t.id, t.seed, c.cell, c.settings, c.plan FROM trials t
        JOIN cells c ON c.experiment_id = t.experiment_id AND c.id = t.cell_id
        WHERE t.experiment_id = ${experimentId} AND t.cell_id = ANY(${[...cellIds]}::text[])
        ORDER BY t.cell_id, t.ordinal`.execute(db);
      return new Map(
        rows.map(({ id, seed, cell, settings, plan }) => {
          const trial = { id, cell, settings: { ...settings, seed: Number(seed) } };
          return [cell.id, { trial, plan }];
        }),
      );
    },

    async searchedStudies(experimentId) {
      const studies = await db
        .selectFrom('studies')
        .select('definition')
        .where('experiment_id', '=', experimentId)
        .orderBy('ordinal')
        .execute();
      if (studies.length === 0) return [];
      const { rows } = await sql<SuggestionRow>`${SELECT}
        WHERE g.experiment_id = ${experimentId} ORDER BY g.number`.execute(db);
      const byStudy = Map.groupBy(rows, (row) => row.study_key);
      return studies.map(({ definition }) => {
        return { study: definition, suggestions: (byStudy.get(definition.key) ?? []).map(toSuggestion) };
      });
    },

    async timeSpent(experimentId) {
      const { rows } = await sql<{ trial_id: string; seconds: number; steps: number | null }>`
        SELECT trial_id, (array_agg(step ORDER BY attempt DESC))[1] AS steps,
          sum(greatest(0, extract(epoch FROM coalesce(ended_at, now()) - coalesce(running_at, started_at))))::float8
            AS seconds
        FROM attempts WHERE experiment_id = ${experimentId} GROUP BY trial_id`.execute(db);
      return new Map(rows.map(({ trial_id, seconds, steps }) => [trial_id, { seconds, steps }]));
    },

    async observeTrials(experimentId, wanted) {
      if (wanted.length === 0) return [];
      const { rows } = await sql<Omit<ObservedTrial, 'losses'>>`
        SELECT t.id AS "trialId", t.state, t.message, r.summary AS result FROM trials t
        LEFT JOIN results r ON r.trial_id = t.id AND r.experiment_id = coalesce(t.reused_from, t.experiment_id)
          AND t.state IN ('succeeded', 'diverged', 'reused')
        WHERE t.experiment_id = ${experimentId} AND t.id = ANY(${wanted.map((one) => one.trialId)}::text[])
        ORDER BY t.ordinal`.execute(db);
      const losses = await lossesOf(db, experimentId, wanted);
      return rows.map((row) => ({ ...row, losses: losses.get(row.trialId) ?? [] }));
    },

    recordProgress: (experimentId, studyKey, progress) => recordProgress(db, experimentId, studyKey, progress),

    async closeStudies(experimentId, studyKeys, failure) {
      if (studyKeys.length === 0) return;
      await changeExperiment(db, experimentId, async (trx, change) => {
        change.noted();
        await sql`UPDATE studies SET state = ${failure === undefined ? 'closed' : 'failed'}, message = ${failure ?? null}
          WHERE experiment_id = ${experimentId} AND key = ANY(${[...studyKeys]}::text[])
            AND state = 'open'`.execute(trx);
      });
    },
  };
}

const SELECT = sql`
  SELECT g.*, s.ordinal AS study_ordinal, t.state AS trial_state FROM suggestions g
  JOIN studies s ON s.experiment_id = g.experiment_id AND s.key = g.study_key
  LEFT JOIN trials t ON t.experiment_id = g.experiment_id AND t.id = g.trial_id`;

/** By trial. Events whose forerunners have not come yet are left out. */
async function lossesOf(
  db: Db,
  experimentId: string,
  wanted: readonly { readonly trialId: string; readonly lossesAfter: number | null }[],
): Promise<ReadonlyMap<string, ObservedTrial['losses']>> {
  const looked = wanted.flatMap(({ trialId, lossesAfter }) =>
    lossesAfter === null ? [] : [{ id: trialId, after: lossesAfter }],
  );
  if (looked.length === 0) return new Map();
  const { rows } = await sql<{ trial_id: string; event: TrialEvent }>`
    SELECT a.trial_id, e.event FROM jsonb_to_recordset(${json(looked)}::jsonb) AS w (id text, after integer)
    JOIN trials t ON t.experiment_id = ${experimentId} AND t.id = w.id
    JOIN attempts a ON a.experiment_id = t.experiment_id AND a.trial_id = t.id AND a.attempt = t.attempts
    JOIN trial_events e ON e.attempt_id = a.id AND e.seq <= a.last_seq
    WHERE e.event ->> 'type' = 'step' AND (e.event ->> 'step')::int > w.after
    ORDER BY a.trial_id, e.seq`.execute(db);
  const byTrial = Map.groupBy(rows, (row) => row.trial_id);
  return new Map(
    [...byTrial].map(([trialId, group]) => [
      trialId,
      group.flatMap(({ event }) => (event.type === 'step' ? [{ step: event.step, loss: event.loss }] : [])),
    ]),
  );
}

function recordProgress(db: Db, experimentId: string, studyKey: string, progress: StudyProgress): Promise<number> {
  return changeExperiment(db, experimentId, async (trx, change) => {
    change.noted();
    await updateSuggestions(trx, experimentId, studyKey, progress.suggestions);
    const study = await trx
      .selectFrom('studies')
      .select(['state', 'reuse'])
      .where('experiment_id', '=', experimentId)
      .where('key', '=', studyKey)
      .executeTakeFirst();
    if (study?.state !== 'open') return 0;
    const known = await trx
      .selectFrom('suggestions')
      .select('number')
      .where('experiment_id', '=', experimentId)
      .where('study_key', '=', studyKey)
      .execute();
    const taken = new Set(known.map(({ number }) => number));
    const fresh = progress.added.filter(({ number }) => !taken.has(number));
    if (fresh.length === 0) return 0;
    const planned = fresh.flatMap(({ made }) => ('trial' in made ? [made] : []));
    const trials = [...new Map(planned.map(({ trial }) => [trial.id, trial])).values()];
    const plans = Object.fromEntries(planned.map(({ trial, plan }) => [trial.cell.id, plan]));
    const ids = trials.map(({ id }) => id);
    const plain = await plainTrials(trx, experimentId, ids);
    const counts = await insertTrials(trx, experimentId, trials, plans, study.reuse);
    const suggestions = fresh.map((one) => {
      if (!('trial' in one.made)) return newSuggestion(one, one.made);
      const trialId = one.made.trial.id;
      return newSuggestion(one, { trialId, own: !plain.has(trialId) });
    });
    await insertSuggestions(trx, experimentId, studyKey, suggestions);
    change.added(counts);
    change.experiment(change.state);
    return counts.pending ?? 0;
  });
}

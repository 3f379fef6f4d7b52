/** Fills a database with a busy installation's experiments: cloned in SQL, as a submission each would take an hour. */
import type { Database } from '@lamina/platform/adapters/database/open.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { sql } from 'kysely';
import { newExperiment, plannedTrials, resultOf } from '../../support/planned.ts';

export interface Filled {
  /** The experiment with many trials, all measured. */
  readonly large: string;
  readonly experiments: number;
  readonly trials: number;
}

const CELLS = 50;

/** Creates `experiments` experiments that have `trials` trials together, `large` of them in one. */
export async function fill(
  { db }: Database,
  store: ExperimentStore,
  { experiments, trials, large }: { experiments: number; trials: number; large: number },
): Promise<Filled> {
  const largeId = newExperimentId(new Date(Date.UTC(2026, 0, 1)));
  await measured(store, largeId, CELLS, large / CELLS);
  const template = newExperimentId(new Date(Date.UTC(2026, 0, 2)));
  const perClone = Math.floor((trials - large) / (experiments - 1));
  const rest = trials - large - perClone * (experiments - 1);
  await measured(store, template, 1, perClone);
  const ids = Array.from({ length: experiments - 2 }, (_, index) =>
    newExperimentId(new Date(Date.UTC(2026, 1, 1) + index * 60_000)),
  );
  const clones = sql`jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) WITH ORDINALITY AS n (id, number)`;
  const states = sql`(ARRAY['succeeded', 'failed', 'running', 'cancelled'])[1 + n.number % 4]`;
  await sql`INSERT INTO experiments (id, name, state, document, policy, dropped, baseline_cell_id, cells, next_ordinal,
      body_hash, counts, version, last_event, created_at)
    SELECT n.id, 'nightly ' || n.number, ${states}, e.document, e.policy, e.dropped, e.baseline_cell_id, e.cells,
      e.next_ordinal, e.body_hash, e.counts, e.version, e.last_event, now()
    FROM experiments e, ${clones} WHERE e.id = ${template}`.execute(db);
  await sql`INSERT INTO cells SELECT n.id, c.id, c.cell, c.settings, c.like_key, c.plan
    FROM cells c, ${clones} WHERE c.experiment_id = ${template}`.execute(db);
  await sql`INSERT INTO trials (experiment_id, id, cell_id, seed, ordinal, state, attempts, started_at, ended_at)
    SELECT n.id, md5(n.id || t.id), t.cell_id, t.seed, t.ordinal, t.state, t.attempts, t.started_at, t.ended_at
    FROM trials t, ${clones} WHERE t.experiment_id = ${template}`.execute(db);
  // The division leaves some over: one more for as many experiments.
  await sql`INSERT INTO trials (experiment_id, id, cell_id, seed, ordinal, state)
    SELECT n.id, md5(n.id), t.cell_id, 1000, 1000, 'pending'
    FROM trials t, ${clones} WHERE t.experiment_id = ${template} AND t.ordinal = 1 AND n.number <= ${rest}`.execute(db);
  await sql`INSERT INTO results (experiment_id, trial_id, summary, samples)
    SELECT n.id, md5(n.id || r.trial_id), r.summary, r.samples
    FROM results r, ${clones} WHERE r.experiment_id = ${template}`.execute(db);
  await sql`VACUUM ANALYZE`.execute(db);
  const count = async (table: 'experiments' | 'trials') => {
    const { rows } = await sql<{ count: number }>`SELECT count(*)::int AS count FROM ${sql.table(table)}`.execute(db);
    return rows[0]?.count ?? 0;
  };
  return { large: largeId, experiments: await count('experiments'), trials: await count('trials') };
}

async function measured(store: ExperimentStore, id: string, cells: number, seeds: number): Promise<void> {
  const trials = plannedTrials(cells, seeds, id);
  await store.createExperiment(newExperiment(id, trials), { reuse: false });
  for (let at = 0; at < trials.length; at += 1000) {
    const outcomes = trials.slice(at, at + 1000).map((trial) => ({
      trialId: trial.id,
      state: 'succeeded' as const,
      message: null,
      result: resultOf(trial, `${id}-${trial.id.slice(0, 16)}-1`),
    }));
    await store.recordOutcomes(id, outcomes);
  }
  await store.setExperimentState(id, 'succeeded');
}

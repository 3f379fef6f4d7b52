import type { Plan } from '@lamina/domain/contract/trial.ts';
import { FAILURE_CLASSES, FAILURES } from '@lamina/domain/failures/registry.ts';
import type { MeasuredTrialOnGpu } from '@lamina/domain/memory/learned.ts';
import { sql } from 'kysely';
import type { FitStore } from '../../application/ports/fit-store.ts';
import type { Db } from './schema.ts';

/** Failures after which a plan that worked is worth remembering. */
const OUTGROWN = FAILURE_CLASSES.filter((one) => FAILURES[one].outgrown === true);

/** Trials looked at for each cell that is wanted: seeds of one cell need the same memory. */
const TRIALS_OF_A_CELL = 20;

export function fit(db: Db): FitStore {
  return {
    async measuredOnGpus(limit) {
      // The condition is that of the index results_on_gpus, which begins with the newest experiments.
      const { rows } = await sql<MeasuredTrialOnGpu>`
        SELECT DISTINCT ON (t.experiment_id, t.cell_id) c.settings, a.plan,
          r.summary #>> '{environment,device}' AS device, r.summary -> 'memory' AS memory
        FROM (
          SELECT experiment_id, trial_id, summary FROM results
          WHERE summary #>> '{environment,deviceKind}' = 'cuda' AND summary #>> '{memory,peakAllocatedBytes}' IS NOT NULL
          ORDER BY experiment_id DESC LIMIT ${limit * TRIALS_OF_A_CELL}
        ) r
        JOIN trials t ON t.experiment_id = r.experiment_id AND t.id = r.trial_id AND t.state = 'succeeded'
        JOIN cells c ON c.experiment_id = t.experiment_id AND c.id = t.cell_id
        JOIN attempts a ON a.experiment_id = t.experiment_id AND a.trial_id = t.id AND a.attempt = t.attempts
        WHERE (a.plan ->> 'gpus')::int <= 1
        ORDER BY t.experiment_id DESC, t.cell_id, t.ordinal DESC LIMIT ${limit}`.execute(db);
      return rows;
    },

    async measuredPlans(experimentId) {
      const { rows } = await sql<{ cell_id: string; plan: Plan }>`
        SELECT DISTINCT ON (t.cell_id) t.cell_id, a.plan FROM trials t
        JOIN attempts a ON a.experiment_id = coalesce(t.reused_from, t.experiment_id) AND a.trial_id = t.id
        WHERE t.experiment_id = ${experimentId} AND t.state IN ('succeeded', 'diverged', 'reused')
        ORDER BY t.cell_id, t.ordinal DESC, a.attempt DESC`.execute(db);
      return new Map(rows.map(({ cell_id, plan }) => [cell_id, plan]));
    },

    async plansThatWorked(likeKeys) {
      if (likeKeys.length === 0) return new Map();
      const { rows } = await sql<{ like_key: string; plan: Plan }>`
        SELECT DISTINCT ON (c.like_key) c.like_key, a.plan
        FROM cells c
        JOIN trials t ON t.experiment_id = c.experiment_id AND t.cell_id = c.id AND t.state = 'succeeded' AND t.attempts > 1
        JOIN attempts a ON a.experiment_id = t.experiment_id AND a.trial_id = t.id AND a.attempt = t.attempts
        WHERE c.like_key = ANY(${[...likeKeys]}::text[]) AND EXISTS (
          SELECT 1 FROM attempts failed WHERE failed.experiment_id = t.experiment_id AND failed.trial_id = t.id
            AND failed.ending ->> 'outcome' = ANY(${OUTGROWN}::text[]))
        ORDER BY c.like_key, c.experiment_id DESC, t.ended_at DESC`.execute(db);
      return new Map(rows.map(({ like_key, plan }) => [like_key, plan]));
    },
  };
}

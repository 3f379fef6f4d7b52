import type { GenerationReport } from '@lamina/domain/contract/generation.ts';
import { DATASET_TRIAL } from '@lamina/domain/contract/generation.ts';
import type { PreparationState } from '@lamina/domain/vocabulary/states.ts';
import { type Selectable, sql } from 'kysely';
import type {
  NewPreparation,
  PreparationRecord,
  PreparationStore,
  PreparedDataset,
} from '../../application/ports/preparation-store.ts';
import { type Change, changeExperiment } from './change.ts';
import { json } from './json.ts';
import { insertTrials } from './new-trials.ts';
import { reopened } from './outcomes.ts';
import type { Db, Schema, Trx } from './schema.ts';
import { insertStudies } from './suggestions.ts';

const OPEN: readonly PreparationState[] = ['pending', 'running', 'retrying'];

export function preparations(db: Db): PreparationStore {
  async function getPreparation(experimentId: string): Promise<PreparationRecord | null> {
    return find(db, experimentId);
  }

  return {
    getPreparation,

    async preparedBefore(specHash) {
      const row = await db
        .selectFrom('preparations')
        .selectAll()
        .where('spec_hash', '=', specHash)
        .where('state', '=', 'succeeded')
        .orderBy('ended_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? null : toPreparation(row);
    },

    async beginPreparation(experimentId) {
      return changeExperiment(db, experimentId, async (trx) => {
        await release(trx, experimentId);
        const found = await find(trx, experimentId);
        return found !== null && OPEN.includes(found.state) ? found : null;
      });
    },

    async claimPreparation(experimentId, batch) {
      return changeExperiment(db, experimentId, async (trx) => {
        await sql`UPDATE preparations SET claim = ${batch}
          WHERE experiment_id = ${experimentId} AND state = 'pending' AND claim IS NULL`.execute(trx);
        const row = await trx
          .selectFrom('preparations')
          .select(['attempts', 'state', 'plan'])
          .where('experiment_id', '=', experimentId)
          .where('claim', '=', batch)
          .where('state', 'in', OPEN)
          .executeTakeFirst();
        if (row === undefined) return null;
        const attempt = row.state === 'pending' ? row.attempts + 1 : row.attempts;
        return { trialId: DATASET_TRIAL, attempt, likeKey: DATASET_TRIAL, plan: row.plan };
      });
    },

    async movePreparation(experimentId, { state, attempts = 0, message = null }) {
      await changeExperiment(db, experimentId, async (trx, change) => {
        const ended = !OPEN.includes(state);
        const moved = await sql`UPDATE preparations SET state = ${state}, message = ${message},
            attempts = greatest(attempts, ${attempts}), started_at = coalesce(started_at, now()),
            ended_at = CASE WHEN ${ended} THEN now() ELSE NULL END
          WHERE experiment_id = ${experimentId} AND state = ANY(${[...OPEN]}::text[])
            AND (state, coalesce(message, ''), attempts)
              IS DISTINCT FROM (${state}, coalesce(${message}, ''), greatest(attempts, ${attempts}))`.execute(trx);
        if (moved.numAffectedRows === 1n) shown(change);
      });
    },

    async completePreparation(experimentId, { dataset, report }, planned) {
      await changeExperiment(db, experimentId, async (trx, change) => {
        const found = await find(trx, experimentId);
        if (found === null || !OPEN.includes(found.state)) return;
        await sql`UPDATE preparations SET state = 'succeeded', message = NULL, ended_at = now(),
            dataset = ${json(dataset)}::jsonb, report = ${json(report)}::jsonb
          WHERE experiment_id = ${experimentId}`.execute(trx);
        await trx
          .updateTable('experiments')
          .set({
            document: json(planned.document),
            policy: json(planned.policy),
            dropped: json(planned.dropped),
            baseline_cell_id: planned.baselineCellId,
          })
          .where('id', '=', experimentId)
          .execute();
        change.added(await insertTrials(trx, experimentId, planned.trials, planned.plans, found.reuse));
        await insertStudies(trx, experimentId, planned.studies ?? [], found.reuse);
        shown(change);
      });
    },

    async endPreparation(experimentId) {
      return changeExperiment(db, experimentId, async (trx, change) => {
        await release(trx, experimentId);
        const state = (await find(trx, experimentId))?.state ?? 'succeeded';
        if (state === 'failed' || state === 'cancelled') change.experiment(state);
        return state === 'succeeded' || state === 'failed' || state === 'cancelled' ? state : null;
      });
    },

    async resetPreparation(experimentId) {
      return changeExperiment(db, experimentId, async (trx, change) => {
        const moved = await sql`UPDATE preparations
          SET state = 'pending', claim = NULL, message = NULL, ended_at = NULL
          WHERE experiment_id = ${experimentId} AND state IN ('failed', 'cancelled')`.execute(trx);
        if (moved.numAffectedRows === 0n) return false;
        change.experiment(reopened(change.state));
        return true;
      });
    },
  };
}

/** Within the transaction that creates the experiment. */
export async function insertPreparation(trx: Trx, experimentId: string, preparation: NewPreparation): Promise<void> {
  const { specHash, spec, reuse, plan, done } = preparation;
  await sql`INSERT INTO preparations
      (experiment_id, spec_hash, spec, reuse, plan, state, dataset, report, reused_from, ended_at)
    VALUES (${experimentId}, ${specHash}, ${json(spec)}::jsonb, ${reuse}, ${json(plan)}::jsonb,
      ${done === null ? 'pending' : 'succeeded'},
      ${done === null ? null : json(done.dataset)}::jsonb, ${done === null ? null : json(done.report)}::jsonb,
      ${done?.experimentId ?? null}, CASE WHEN ${done !== null} THEN now() END)`.execute(trx);
}

/** Whether an experiment's trials are still to come. */
export async function isPrepared(trx: Trx, experimentId: string): Promise<boolean> {
  const found = await find(trx, experimentId);
  return found === null || !OPEN.includes(found.state);
}

/** Streams and comparisons look again. */
function shown(change: Change): void {
  change.experiment(change.state);
}

async function release(trx: Trx, experimentId: string): Promise<void> {
  await sql`UPDATE preparations SET state = 'pending', claim = NULL
    WHERE experiment_id = ${experimentId} AND state = ANY(${[...OPEN]}::text[])`.execute(trx);
}

async function find(db: Db | Trx, experimentId: string): Promise<PreparationRecord | null> {
  const row = await db
    .selectFrom('preparations')
    .selectAll()
    .where('experiment_id', '=', experimentId)
    .executeTakeFirst();
  return row === undefined ? null : toPreparation(row);
}

function toPreparation(row: Selectable<Schema['preparations']>): PreparationRecord {
  const { dataset, report } = row;
  return {
    experimentId: row.experiment_id,
    specHash: row.spec_hash,
    spec: row.spec,
    reuse: row.reuse,
    plan: row.plan,
    state: row.state,
    attempts: row.attempts,
    message: row.message,
    prepared:
      dataset === null || report === null
        ? null
        : { dataset: dataset as PreparedDataset['dataset'], report: report as GenerationReport },
    reusedFrom: row.reused_from,
    startedAt: row.started_at?.toISOString() ?? null,
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}

import type { TrialResult } from '@lamina/domain/contract/result.ts';
import type { TrialSettings } from '@lamina/domain/contract/settings.ts';
import type { Plan } from '@lamina/domain/contract/trial.ts';
import type { PastTrial } from '@lamina/domain/forecast/types.ts';
import { workOf } from '@lamina/domain/forecast/work.ts';
import { sql } from 'kysely';
import type { ForecastStore, OpenExperiment } from '../../application/ports/forecast-store.ts';
import { json } from './json.ts';
import type { Db } from './schema.ts';

/** Cells of past experiments that are looked at, and trials of each. */
const MOST_CELLS = 100;
const MOST_TRIALS = 4;
/** Open experiments that are looked at, those submitted first. */
const MOST_OPEN = 500;

interface PastRow {
  readonly id: string;
  readonly like_key: string;
  readonly settings: Omit<TrialSettings, 'seed'>;
  readonly plan: Plan;
  readonly parallel: number;
  readonly launch: number;
  readonly wall: number;
  readonly summary: TrialResult;
}

/** What ran, and what runs and waits. */
export function forecastInputs(db: Db): Pick<ForecastStore, 'pastTrials' | 'openExperiments' | 'gpusHeldAt'> {
  return {
    async pastTrials({ models, cellIds }) {
      // Two index scans, newest experiments first, and a few trials of each cell they find: the cost does not grow with
      // the number of trials there ever were. The expression is that of the index cells_by_model.
      const { rows } = await sql<PastRow>`
        WITH wanted AS (
          (SELECT experiment_id, id FROM cells WHERE id = ANY(${[...cellIds]}::text[])
            ORDER BY experiment_id DESC LIMIT ${Math.max(MOST_CELLS, cellIds.length)})
          UNION
          (SELECT experiment_id, id FROM cells
            WHERE md5(coalesce(settings #>> '{model,fingerprint}', settings ->> 'model')) = ANY(ARRAY(
              SELECT md5(coalesce(model ->> 'fingerprint', model::text))
              FROM jsonb_array_elements(${json(models)}::jsonb) AS m (model)))
            ORDER BY experiment_id DESC LIMIT ${MOST_CELLS})
        )
        SELECT c.id, c.like_key, c.settings, past.plan, past.launch, past.wall, past.summary,
          (e.policy ->> 'maxParallel')::int AS parallel
        FROM wanted w
        JOIN cells c ON c.experiment_id = w.experiment_id AND c.id = w.id
        JOIN experiments e ON e.id = w.experiment_id
        CROSS JOIN LATERAL (
          SELECT a.plan, r.summary, t.ended_at,
            extract(epoch FROM coalesce(a.running_at, a.started_at) - a.started_at)::float8 AS launch,
            extract(epoch FROM t.ended_at - coalesce(a.running_at, a.started_at))::float8 AS wall
          FROM trials t
          JOIN attempts a ON a.experiment_id = t.experiment_id AND a.trial_id = t.id AND a.attempt = t.attempts
          JOIN results r ON r.experiment_id = t.experiment_id AND r.trial_id = t.id
          WHERE t.experiment_id = w.experiment_id AND t.cell_id = w.id AND t.state = 'succeeded'
          ORDER BY t.ordinal DESC LIMIT ${MOST_TRIALS}
        ) past
        ORDER BY past.ended_at DESC`.execute(db);
      return rows.flatMap(pastTrial);
    },

    async openExperiments(id) {
      const { rows } = await sql<OpenExperiment & { maxparallel: number; price: number | null }>`
        SELECT e.id, e.state = 'paused' AS paused, (e.policy ->> 'maxParallel')::int AS maxparallel,
          (e.document #>> '{resources,pricePerHour}')::float8 AS price, open.cells, open.running, open.pending
        FROM experiments e
        CROSS JOIN LATERAL (
          SELECT
            (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'cellId', c.id, 'likeKey', c.like_key, 'settings', c.settings, 'plan', c.plan)), '[]')
              FROM cells c WHERE c.experiment_id = e.id AND EXISTS (
                SELECT 1 FROM trials t WHERE t.experiment_id = e.id AND t.cell_id = c.id
                  AND t.state IN ('pending', 'running', 'retrying'))) AS cells,
            (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'cellId', t.cell_id, 'begun', a.running_at IS NOT NULL, 'step', a.step, 'steps', a.steps,
                'elapsedSeconds', greatest(0, extract(epoch FROM now() - coalesce(a.running_at, a.started_at))))
                ORDER BY a.started_at, t.ordinal), '[]')
              FROM trials t
              JOIN attempts a ON a.experiment_id = t.experiment_id AND a.trial_id = t.id AND a.attempt = t.attempts
              WHERE t.experiment_id = e.id AND t.state = 'running') AS running,
            (SELECT coalesce(jsonb_agg(t.cell_id ORDER BY t.state = 'pending', t.ordinal), '[]')
              FROM trials t WHERE t.experiment_id = e.id AND t.state IN ('pending', 'retrying')) AS pending
        ) open
        WHERE e.state IN ('pending', 'running', 'paused') ${id === undefined ? sql`` : sql`AND e.id = ${id}`}
        ORDER BY e.id LIMIT ${MOST_OPEN}`.execute(db);
      return rows
        .map(({ maxparallel, price, ...row }) => ({ ...row, maxParallel: maxparallel, pricePerHour: price }))
        .filter(({ running, pending }) => running.length + pending.length > 0);
    },

    async gpusHeldAt(at) {
      const { rows } = await sql<{ gpuclass: string | null; gpus: number }>`
        SELECT a.plan ->> 'gpuClass' AS gpuclass, sum((a.plan ->> 'gpus')::int)::int AS gpus
        FROM experiments e JOIN attempts a ON a.experiment_id = e.id
        WHERE (e.ended_at IS NULL OR e.ended_at > ${at}::timestamptz)
          AND a.running_at <= ${at}::timestamptz AND (a.ended_at IS NULL OR a.ended_at > ${at}::timestamptz)
        GROUP BY 1 ORDER BY 1`.execute(db);
      return rows.map(({ gpuclass, gpus }) => ({ gpuClass: gpuclass, gpus }));
    },
  };
}

/** None where a part of the time was not measured, or a part of the work was done by an earlier attempt. */
function pastTrial({ id, like_key, settings, plan, parallel, launch, wall, summary }: PastRow): PastTrial[] {
  const { seconds, training, model, environment, raw, trained } = summary;
  const { train, evaluate } = seconds;
  if (training.resumedFromStep !== null || train === null || evaluate === null || trained === null) return [];
  return [
    {
      ...workOf(settings, { cellId: id, likeKey: like_key }, plan, model.layersOriginal),
      layers: model.layersKept.length,
      steps: training.steps,
      layersOriginal: model.layersOriginal,
      device: environment.device,
      deviceKind: environment.deviceKind,
      parallel,
      launchSeconds: launch,
      wallSeconds: wall,
      totalSeconds: seconds.total,
      trainSeconds: train,
      evaluateRawSeconds: seconds.evaluateRaw ?? 0,
      evaluateSeconds: evaluate,
      rawCached: raw?.cached ?? false,
      evaluatedTokens: trained.tokens,
    },
  ];
}

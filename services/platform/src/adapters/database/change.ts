import { type ExperimentState, hasEnded, type TrialState, trialHasEnded } from '@lamina/domain/vocabulary/states.ts';
import { sql } from 'kysely';
import { UnknownExperiment } from '../../application/ports/errors.ts';
import { closeForecasts, discardForecasts } from './forecasts.ts';
import { json } from './json.ts';
import { CHANNEL } from './notify.ts';
import type { Counts, Db, Schema, Trx } from './schema.ts';

/** A trial as its event shows it. */
export interface TrialChange {
  readonly trialId: string;
  readonly cellId: string;
  readonly seed: number;
  readonly from: TrialState;
  readonly state: TrialState;
  readonly attempts: number;
  readonly message: string | null;
}

/** What a change of one experiment collects: its events, and what follows for the counts. */
export interface Change {
  readonly state: ExperimentState;
  readonly counts: Readonly<Counts>;
  trial(change: TrialChange): void;
  /** Trials that did not exist before; they get no event of their own. */
  added(counts: Counts): void;
  event(type: Schema['experiment_events']['type'], data: object): void;
  /** Something that has no event has changed, e.g. of a search. */
  noted(): void;
  experiment(state: ExperimentState): void;
}

/**
 * Runs `work` under the experiment's row lock, then writes its events and counts.
 *
 * The lock is taken before every other row of the experiment, so writers cannot deadlock; and event numbers are given
 * out under it, so a reader that has seen number n has seen all before it (a sequence would commit out of order).
 *
 * @throws UnknownExperiment
 */
export async function changeExperiment<T>(
  db: Db,
  experimentId: string,
  work: (trx: Trx, change: Change) => Promise<T>,
): Promise<T> {
  return db.transaction().execute((trx) => changeWithin(trx, experimentId, work));
}

/** The same inside a transaction that is open already. */
export async function changeWithin<T>(
  trx: Trx,
  experimentId: string,
  work: (trx: Trx, change: Change) => Promise<T>,
): Promise<T> {
  const row = await trx
    .selectFrom('experiments')
    .select(['state', 'counts', 'last_event'])
    .where('id', '=', experimentId)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) throw new UnknownExperiment(`there is no experiment ${experimentId}`);
  const counts: Counts = { ...row.counts };
  const events: { type: string; data: object }[] = [];
  let state = row.state;
  let visible = false;
  let disturbed = false;
  const result = await work(trx, {
    get state() {
      return state;
    },
    counts,
    trial({ from, ...data }) {
      visible = true;
      disturbed ||= data.state === 'pending' && trialHasEnded(from);
      bump(counts, from, -1);
      bump(counts, data.state, 1);
      events.push({ type: 'trial', data: { ...data, counts } });
    },
    added(more) {
      visible = true;
      disturbed = true;
      for (const [key, count] of Object.entries(more)) bump(counts, key as TrialState, count);
    },
    noted() {
      visible = true;
    },
    event(type, data) {
      events.push({ type, data });
    },
    experiment(next) {
      visible = true;
      disturbed ||= next === 'paused' || next === 'cancelling';
      state = next;
      events.push({ type: 'experiment', data: { state: next, counts } });
    },
  });
  if (disturbed) await discardForecasts(trx, experimentId);
  if (state !== row.state && hasEnded(state)) await closeForecasts(trx, experimentId, state);
  if (visible || events.length > 0) {
    await write(trx, experimentId, { lastEvent: row.last_event, events, counts, state, visible });
  }
  return result;
}

function bump(counts: Counts, state: TrialState, by: number): void {
  const next = (counts[state] ?? 0) + by;
  if (next === 0) delete counts[state];
  else counts[state] = next;
}

async function write(
  trx: Trx,
  experimentId: string,
  to: { lastEvent: number; events: readonly object[]; counts: Counts; state: ExperimentState; visible: boolean },
): Promise<void> {
  const ended = hasEnded(to.state);
  // One statement and one round trip: events, counts and state, and the notification that the commit sends.
  await sql`
    WITH written AS (
      INSERT INTO experiment_events (experiment_id, id, type, data)
      SELECT ${experimentId}, ${to.lastEvent}::int + e.position::int, e.item->>'type', e.item->'data'
      FROM jsonb_array_elements(${json(to.events)}::jsonb) WITH ORDINALITY AS e (item, position)
    )
    UPDATE experiments SET
      last_event = ${to.lastEvent + to.events.length},
      version = version + ${to.visible ? 1 : 0},
      counts = ${json(to.counts)}::jsonb,
      state = ${to.state},
      blocked = CASE WHEN ${ended} THEN '{}'::jsonb ELSE blocked END,
      started_at = CASE WHEN ${to.state} = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
      ended_at = CASE WHEN ${ended} THEN coalesce(ended_at, now()) ELSE NULL END
    WHERE id = ${experimentId}
    RETURNING pg_notify(${CHANNEL}, ${experimentId})`.execute(trx);
}

import type { BlockedActivities } from '@lamina/domain/contract/blocked.ts';
import type { SetAside } from '@lamina/domain/contract/devices.ts';
import type { GenerationReport, GenerationSpec } from '@lamina/domain/contract/generation.ts';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import type { DatasetRef, TrialSettings } from '@lamina/domain/contract/settings.ts';
import type { TrialEvent } from '@lamina/domain/contract/trial.ts';
import type { Cell, DroppedCell } from '@lamina/domain/matrix/types.ts';
import type { Plan, RunPolicy } from '@lamina/domain/run/types.ts';
import type { ParameterValues, Study, SuggestionEnd } from '@lamina/domain/search/types.ts';
import type { ExperimentState, PreparationState, TrialState } from '@lamina/domain/vocabulary/states.ts';
import type { ColumnType, Generated, Kysely, Transaction } from 'kysely';
import type { RunnerFacts } from '../../application/ports/runner-facts.ts';
import type { StudyState } from '../../application/ports/search-store.ts';

/** Read as an object, written as JSON text: node-postgres would turn a JS array into a Postgres array. */
type Json<T> = ColumnType<T, string, string>;
type Timestamp = ColumnType<Date, string, string>;
type Stamped = ColumnType<Date, string | undefined, string>;

export type Counts = Partial<Record<TrialState, number>>;

/** The tables, as `migrations/` leaves them. */
export interface Schema {
  experiments: {
    id: string;
    name: string;
    state: ExperimentState;
    document: Json<unknown>;
    policy: Json<RunPolicy>;
    dropped: Json<readonly DroppedCell[]>;
    baseline_cell_id: string | null;
    cells: number;
    next_ordinal: number;
    idempotency_key: string | null;
    body_hash: string;
    counts: Json<Counts>;
    version: Generated<number>;
    last_event: Generated<number>;
    blocked: ColumnType<BlockedActivities, string | undefined, string>;
    created_at: Stamped;
    started_at: Timestamp | null;
    ended_at: Timestamp | null;
  };
  cells: {
    experiment_id: string;
    id: string;
    cell: Json<Cell>;
    /** The settings of the cell's trials without their seed. */
    settings: Json<Omit<TrialSettings, 'seed'>>;
    like_key: string;
    plan: Json<Plan>;
  };
  trials: {
    experiment_id: string;
    id: string;
    cell_id: string;
    seed: ColumnType<string | number, number, number>;
    ordinal: number;
    state: TrialState;
    attempts: Generated<number>;
    claim: ColumnType<string | number | null, number | null, number | null>;
    message: string | null;
    reused_from: string | null;
    started_at: Timestamp | null;
    ended_at: Timestamp | null;
  };
  results: {
    experiment_id: string;
    trial_id: string;
    summary: Json<unknown>;
    samples: Json<unknown>;
    recorded_at: Stamped;
  };
  attempts: {
    id: string;
    experiment_id: string;
    trial_id: string;
    attempt: number;
    plan: Json<Plan>;
    /** The attempt's `end`, which is a word of SQL. */
    ending: Json<AttemptEnd> | null;
    started_at: Stamped;
    ended_at: Timestamp | null;
    last_event_at: Timestamp | null;
    last_seq: Generated<number>;
    metrics_at: Timestamp | null;
    phase: string | null;
    step: number | null;
    steps: number | null;
    waiting: string | null;
    running_at: Timestamp | null;
  };
  studies: {
    experiment_id: string;
    key: string;
    ordinal: number;
    definition: Json<Study>;
    reuse: boolean;
    state: Generated<StudyState>;
    message: string | null;
  };
  suggestions: {
    experiment_id: string;
    study_key: string;
    number: number;
    parameters: Json<ParameterValues>;
    trial_id: string | null;
    own: boolean;
    ending: Json<SuggestionEnd> | null;
    told: boolean;
    reported_step: number;
    pruning: boolean;
  };
  preparations: {
    experiment_id: string;
    spec_hash: string;
    spec: Json<GenerationSpec>;
    reuse: boolean;
    plan: Json<Plan>;
    state: PreparationState;
    attempts: Generated<number>;
    claim: ColumnType<string | number | null, number | null, number | null>;
    message: string | null;
    dataset: Json<DatasetRef> | null;
    report: Json<GenerationReport> | null;
    reused_from: string | null;
    started_at: Timestamp | null;
    ended_at: Timestamp | null;
  };
  /** The runner facts; the table has the name of an earlier release. */
  surroundings: { id: Generated<number>; content: Json<RunnerFacts>; at: Stamped };
  gpu_inventory: { id: Generated<number>; content: Json<GpuInventory> | null; claimed_at: Stamped };
  devices_set_aside: { device: string; content: Json<SetAside> };
  trial_events: { attempt_id: string; seq: number; event: Json<TrialEvent> };
  experiment_events: {
    experiment_id: string;
    id: number;
    at: Stamped;
    type: 'experiment' | 'trial' | 'attempt' | 'metrics';
    data: Json<unknown>;
  };
  predictions: {
    experiment_id: string;
    cell_id: string;
    made_at: Stamped;
    low: number;
    median: number;
    high: number;
    widening: number;
    overhead: number;
    start_median: number | null;
    actual: number | null;
    actual_start: number | null;
    outcome: string | null;
    settled_at: Timestamp | null;
  };
}

export type Db = Kysely<Schema>;
/** Inside a transaction, only this may be used: PGlite has one session, and a second query would wait forever. */
export type Trx = Transaction<Schema>;

import { type PendingReason, readPendingReason } from '@lamina/domain/contract/pending.ts';
import type { TrialResult } from '@lamina/domain/contract/result.ts';
import type { TrialSettings } from '@lamina/domain/contract/settings.ts';
import type { TrialState } from '@lamina/domain/vocabulary/states.ts';
import type { Selectable } from 'kysely';
import type { SuggestionRecord } from '../../application/ports/search-store.ts';
import type { AttemptRecord, ExperimentRecord, TrialRecord } from '../../application/ports/store.ts';
import type { Counts, Schema } from './schema.ts';

type ExperimentRow = Selectable<Schema['experiments']>;
type AttemptRow = Selectable<Schema['attempts']>;

export interface SuggestionRow extends Selectable<Schema['suggestions']> {
  readonly study_ordinal: number;
  readonly trial_state: TrialState | null;
}

export interface TrialRow extends Selectable<Schema['trials']> {
  readonly cell: Selectable<Schema['cells']>['cell'];
  readonly settings: Omit<TrialSettings, 'seed'>;
  readonly summary: TrialResult | null;
  readonly samples: ResultSamples | null;
  readonly attempt_id: string | null;
  readonly phase: string | null;
  readonly step: number | null;
  readonly steps: number | null;
  readonly waiting: string | null;
}

/**
 * Parts of a result that lists do without, kept apart so that these stay small: what grows with the number of steps, and
 * the list of artifacts. `training.stepParts` grows too and stays, because the comparison reads it from every trial.
 */
export interface ResultSamples {
  readonly training: Pick<TrialResult['training'], 'losses' | 'stepSeconds' | 'stepTokens' | 'warmupStepSeconds'>;
  readonly artifacts: TrialResult['artifacts'];
}

export function splitResult(result: TrialResult): { summary: TrialResult; samples: ResultSamples } {
  const { losses, stepSeconds, stepTokens, warmupStepSeconds } = result.training;
  const empty = { losses: [], stepSeconds: [], stepTokens: [], warmupStepSeconds: [] };
  return {
    summary: { ...result, training: { ...result.training, ...empty }, artifacts: [] },
    samples: { training: { losses, stepSeconds, stepTokens, warmupStepSeconds }, artifacts: result.artifacts },
  };
}

/** Rows of earlier releases lack what was added to results since: readers take such a field as absent or null. */
function joinResult(summary: TrialResult | null, samples: ResultSamples | null): TrialResult | null {
  if (summary === null || samples === null) return summary;
  return { ...summary, training: { ...summary.training, ...samples.training }, artifacts: samples.artifacts };
}

function iso(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}

export function toExperiment(row: ExperimentRow): ExperimentRecord {
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    document: row.document,
    policy: row.policy,
    dropped: row.dropped,
    baselineCellId: row.baseline_cell_id,
    counts: row.counts as Counts,
    cells: row.cells,
    version: row.version,
    blocked: row.blocked,
    createdAt: row.created_at.toISOString(),
    startedAt: iso(row.started_at),
    endedAt: iso(row.ended_at),
  };
}

export function toTrial(row: TrialRow): TrialRecord {
  return {
    experimentId: row.experiment_id,
    trialId: row.id,
    ordinal: row.ordinal,
    trial: { id: row.id, cell: row.cell, settings: { ...row.settings, seed: Number(row.seed) } },
    state: row.state,
    attempts: row.attempts,
    message: row.message,
    reusedFrom: row.reused_from,
    result: joinResult(row.summary, row.samples),
    progress:
      row.attempt_id === null
        ? null
        : {
            attemptId: row.attempt_id,
            phase: row.phase,
            step: row.step,
            steps: row.steps,
            waiting: toPendingReason(row.waiting),
          },
    startedAt: iso(row.started_at),
    endedAt: iso(row.ended_at),
  };
}

export function toAttempt(row: AttemptRow): AttemptRecord {
  return {
    attemptId: row.id,
    experimentId: row.experiment_id,
    trialId: row.trial_id,
    attempt: row.attempt,
    plan: row.plan,
    end: row.ending,
    startedAt: row.started_at.toISOString(),
    lastEventAt: iso(row.last_event_at),
    lastSeq: row.last_seq,
    phase: row.phase,
    step: row.step,
    steps: row.steps,
    waiting: toPendingReason(row.waiting),
    runningAt: iso(row.running_at),
  };
}

/** A JSON document; in rows of earlier releases, `kind: text`. */
export function toPendingReason(waiting: string | null): PendingReason | null {
  return readPendingReason(waiting?.startsWith('{') ? (JSON.parse(waiting) as PendingReason) : waiting);
}

/** In events of earlier releases a reason for waiting is `kind: text`. */
export function eventDataOf(data: unknown): unknown {
  const { waiting } = data as { waiting?: unknown };
  return typeof waiting === 'string' ? { ...(data as object), waiting: readPendingReason(waiting) } : data;
}

export function toSuggestion(row: SuggestionRow): SuggestionRecord {
  return {
    studyKey: row.study_key,
    number: row.number,
    parameters: row.parameters,
    trialId: row.trial_id,
    trialState: row.trial_state,
    own: row.own,
    end: row.ending,
    told: row.told,
    reportedStep: row.reported_step,
    pruning: row.pruning,
  };
}

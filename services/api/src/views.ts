import type {
  AttemptView,
  ExperimentDetail,
  ExperimentView,
  PreparationSummary,
  PreviewView,
  TrialView,
} from '@lamina/domain/contract/api.ts';
import { blockedOf } from '@lamina/domain/contract/blocked.ts';
import type { Cell } from '@lamina/domain/matrix/types.ts';
import { studiesOf } from '@lamina/domain/search/studies.ts';
import type { PreparationRecord } from '@lamina/platform/application/ports/preparation-store.ts';
import type { AttemptRecord, ExperimentRecord, TrialRecord } from '@lamina/platform/application/ports/store.ts';
import type { Prepared } from '@lamina/platform/application/submission/prepare.ts';
import type { Forecaster } from './forecast/forecaster.ts';

export function experimentView(experiment: ExperimentRecord, forecast: ExperimentView['forecast']): ExperimentView {
  const { counts } = experiment;
  return {
    id: experiment.id,
    name: experiment.name,
    state: experiment.state,
    counts: { ...counts },
    total: Object.values(counts).reduce((sum, count) => sum + count, 0),
    cells: experiment.cells,
    dropped: experiment.dropped.map((cell) => ({ ...cell })),
    baselineCellId: experiment.baselineCellId,
    createdAt: experiment.createdAt,
    startedAt: experiment.startedAt,
    endedAt: experiment.endedAt,
    forecast,
    blocked: blockedOf(experiment.blocked),
  };
}

export function experimentDetail(
  experiment: ExperimentRecord,
  cells: readonly Cell[],
  forecast: ExperimentDetail['forecast'],
  preparation: PreparationRecord | null,
): ExperimentDetail {
  return {
    ...experimentView(experiment, forecast),
    document: experiment.document,
    preparation: preparation === null ? null : preparationSummary(preparation),
    cellList: cells.map(cellView),
    forecast,
  };
}

export function preparationSummary(record: PreparationRecord): PreparationSummary {
  const { spec, prepared } = record;
  return {
    state: record.state,
    attempts: record.attempts,
    message: record.message,
    model: spec.endpoint.model ?? spec.endpoint.gguf,
    specHash: record.specHash,
    reusedFrom: record.reusedFrom,
    dataset: prepared === null ? null : { path: prepared.dataset.path, fingerprint: prepared.dataset.fingerprint },
    report: prepared?.report ?? null,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
  };
}

function cellView(cell: Cell): ExperimentDetail['cellList'][number] {
  return { ...cell, parameters: { ...cell.parameters } };
}

export function previewView(
  prepared: Prepared,
  measured: ReadonlySet<string>,
  { forecast, durations }: Awaited<ReturnType<Forecaster['preview']>>,
): PreviewView {
  const { document, expansion, plans, warnings, memory } = prepared;
  const byCell = Map.groupBy(expansion.trials, (trial) => trial.cell.id);
  const reused = (trials: readonly { id: string }[]) => trials.filter((trial) => measured.has(trial.id)).length;
  return {
    name: document.name,
    cells: expansion.cells.flatMap((cell) => {
      const plan = plans[cell.id];
      if (plan === undefined) return [];
      const trials = byCell.get(cell.id) ?? [];
      return [
        {
          ...cellView(cell),
          seeds: trials.map((trial) => trial.settings.seed),
          reused: reused(trials),
          plan: { ...plan, excludedNodes: [...plan.excludedNodes] },
          memory: memory(cell.id),
          duration: durations.get(cell.id) ?? null,
        },
      ];
    }),
    dropped: expansion.dropped.map((cell) => ({ ...cell })),
    trials: expansion.trials.length,
    suggestions: studiesOf(document, expansion, '').reduce((sum, { trials }) => sum + trials, 0),
    reused: reused(expansion.trials),
    baselineCellId: expansion.baselineCellId,
    forecast,
    warnings: [...warnings],
  };
}

export function trialView(record: TrialRecord): TrialView {
  const { trial, state, result, progress } = record;
  const shown = state === 'running' || state === 'retrying' ? progress : null;
  return {
    id: record.trialId,
    experimentId: record.experimentId,
    cellId: trial.cell.id,
    label: trial.cell.label,
    seed: trial.settings.seed,
    state,
    attempts: record.attempts,
    message: record.message,
    reusedFrom: record.reusedFrom,
    phase: shown?.phase ?? null,
    step: shown?.step ?? null,
    steps: shown?.steps ?? null,
    waiting: state === 'running' ? (shown?.waiting ?? null) : null,
    raw: result?.raw ?? null,
    trained: result?.trained ?? null,
    tokensPerSecond: result?.training.tokensPerSecond ?? null,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
  };
}

export function attemptView(record: AttemptRecord): AttemptView {
  return {
    id: record.attemptId,
    experimentId: record.experimentId,
    trialId: record.trialId,
    attempt: record.attempt,
    plan: record.plan,
    outcome: record.end?.outcome ?? null,
    message: record.end?.message ?? null,
    exitCode: record.end?.exitCode ?? null,
    node: record.end?.node ?? null,
    startedAt: record.startedAt,
    endedAt: record.end?.endedAt ?? null,
    lastEventAt: record.lastEventAt,
    phase: record.phase,
    step: record.step,
    steps: record.steps,
    waiting: record.end === null ? record.waiting : null,
  };
}

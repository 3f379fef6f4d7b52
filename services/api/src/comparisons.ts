import type { ModelRef } from '@lamina/domain/contract/settings.ts';
import { estimateTrial, type KnownShape } from '@lamina/domain/matrix/estimate.ts';
import { plannedSettings } from '@lamina/domain/memory/learned.ts';
import { compareTrials } from '@lamina/domain/results/compare.ts';
import type { ComparedTrial, GeneratedData } from '@lamina/domain/results/input.ts';
import type { Comparison } from '@lamina/domain/results/types.ts';
import type { ExperimentDocument } from '@lamina/domain/spec/document.ts';
import { parseStored } from '@lamina/domain/spec/parse.ts';
import { canonical } from '@lamina/domain/vocabulary/canonical.ts';
import type { PreparationRecord } from '@lamina/platform/application/ports/preparation-store.ts';
import type { ExperimentRecord, ExperimentStore, TrialRecord } from '@lamina/platform/application/ports/store.ts';
import type { Shapes } from '@lamina/platform/application/submission/shapes.ts';

/** Comparisons kept: the dashboard, the report and exports ask for the same one. */
const KEPT = 16;

export interface Limits {
  readonly maxMemoryBytes: number | null;
  readonly maxCost: number | null;
}

export interface Comparisons {
  /** Limits of the request go before those of the document. */
  of(experiment: ExperimentRecord, limits: Limits): Promise<Comparison>;
}

/** Each comparison is made once for each version of its experiment. */
export function createComparisons(store: ExperimentStore, shapes: Shapes): Comparisons {
  const kept = new Map<string, Promise<Comparison>>();
  return {
    of(experiment, limits) {
      const key = JSON.stringify([experiment.id, experiment.version, limits]);
      let comparison = kept.get(key);
      if (comparison === undefined) {
        comparison = compare(store, shapes, experiment, limits);
        comparison.catch(() => kept.delete(key));
        kept.set(key, comparison);
        const oldest = kept.keys().next().value;
        if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
      }
      return comparison;
    },
  };
}

async function compare(
  store: ExperimentStore,
  shapes: Shapes,
  experiment: ExperimentRecord,
  limits: Limits,
): Promise<Comparison> {
  const [planned, preparation, search] = await Promise.all([
    store.trialsForComparison(experiment.id),
    store.getPreparation(experiment.id),
    store.searchedStudies(experiment.id),
  ]);
  const trials = search.length === 0 ? planned : await withTimeSpent(store, experiment.id, planned);
  const { id, name, state, baselineCellId } = experiment;
  const parsed = parseStored(experiment.document as object);
  const document = parsed.ok ? parsed.document : null;
  return compareTrials({
    experimentId: id,
    name,
    state,
    baselineCellId,
    trials,
    search,
    estimatedBytes:
      document === null ? new Map() : await predictedPeaks(document, trials, { store, id, modelShapes: shapes }),
    generated: preparation === null ? null : generatedData(preparation),
    limits: {
      maxMemoryBytes: limits.maxMemoryBytes ?? document?.objective.maxMemory ?? null,
      maxCost: limits.maxCost ?? document?.objective.maxCost ?? null,
    },
    ...(document === null
      ? {}
      : { objective: document.objective.metric, pricePerHour: document.resources.pricePerHour }),
  });
}

function generatedData({ spec, prepared }: PreparationRecord): GeneratedData | null {
  if (prepared === null) return null;
  const { records, answers } = prepared.report.counts;
  return {
    model: spec.endpoint.model ?? spec.endpoint.gguf,
    records,
    answers,
    fingerprint: prepared.dataset.fingerprint,
  };
}

async function withTimeSpent(
  store: ExperimentStore,
  experimentId: string,
  trials: readonly TrialRecord[],
): Promise<readonly ComparedTrial[]> {
  const spent = await store.timeSpent(experimentId);
  return trials.map((trial) => ({ ...trial, spent: spent.get(trial.trialId) ?? { seconds: 0, steps: null } }));
}

/** Predicted peaks of memory, bytes by cell, of cells that were measured on a GPU and whose model's configuration is on this machine. */
async function predictedPeaks(
  document: ExperimentDocument,
  trials: readonly ComparedTrial[],
  { store, id, modelShapes }: { store: ExperimentStore; id: string; modelShapes: Shapes },
): Promise<ReadonlyMap<string, number>> {
  const onGpu = trials.filter(({ result }) => result?.environment.deviceKind === 'cuda');
  if (onGpu.length === 0) return new Map();
  const byCell = new Map(onGpu.map(({ trial }) => [trial.cell.id, trial.settings]));
  const plans = await store.measuredPlans(id);
  const shapes = new Map<string, KnownShape>();
  for (const { model } of byCell.values()) {
    const key = canonical(model);
    if (shapes.has(key)) continue;
    const shape = await modelShapes.of(model);
    shapes.set(key, shape === null ? { shape, message: '' } : { shape, trainer: 'lamina' });
  }
  const shapeOf = (model: ModelRef) => shapes.get(canonical(model)) ?? { shape: null, message: '' };
  return new Map(
    [...byCell].flatMap(([cellId, settings]) => {
      const plan = plans.get(cellId);
      const ran = plan === undefined ? settings : plannedSettings(settings, plan);
      const { memory } = estimateTrial(ran, document, { shapeOf });
      return memory === null ? [] : [[cellId, memory.peak.reservedBytes] as const];
    }),
  );
}

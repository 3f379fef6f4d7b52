import { compareTrials } from '@lamina/domain/results/compare.ts';
import type { Comparison } from '@lamina/domain/results/types.ts';
import { parseDocument } from '@lamina/domain/spec/parse.ts';
import type { ExperimentRecord, ExperimentStore } from '@lamina/platform/store.ts';

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
export function createComparisons(store: ExperimentStore): Comparisons {
  const kept = new Map<string, Promise<Comparison>>();
  return {
    of(experiment, limits) {
      const key = JSON.stringify([experiment.id, experiment.version, limits]);
      let comparison = kept.get(key);
      if (comparison === undefined) {
        comparison = compare(store, experiment, limits);
        comparison.catch(() => kept.delete(key));
        kept.set(key, comparison);
        const oldest = kept.keys().next().value;
        if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
      }
      return comparison;
    },
  };
}

async function compare(store: ExperimentStore, experiment: ExperimentRecord, limits: Limits): Promise<Comparison> {
  const trials = await store.trialsForComparison(experiment.id);
  const { id, name, state, baselineCellId } = experiment;
  const parsed = parseDocument(experiment.document as object);
  const document = parsed.ok ? parsed.document : null;
  return compareTrials({
    experimentId: id,
    name,
    state,
    baselineCellId,
    trials,
    limits: {
      maxMemoryBytes: limits.maxMemoryBytes ?? document?.objective.maxMemory ?? null,
      maxCost: limits.maxCost ?? document?.objective.maxCost ?? null,
    },
    ...(document === null
      ? {}
      : { objective: document.objective.metric, pricePerHour: document.resources.pricePerHour }),
  });
}

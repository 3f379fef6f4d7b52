/** The rows of *Training matrix*: one per cell. */

import { keptLayers } from '../contract/layer-strategies.ts';
import * as measures from '../measures/measures.ts';
import { mean } from '../measures/measures.ts';
import { paretoFront } from '../measures/pareto.ts';
import { METHODS } from '../vocabulary/methods.ts';
import { PRECISIONS } from '../vocabulary/precisions.ts';
import type { TrialState } from '../vocabulary/states.ts';
import { lossDelta } from './baseline.ts';
import type { Estimate } from './estimates.ts';
import { type CellGroup, type ComparedTrial, type MeasuredTrial, valuesOf } from './input.ts';
import { modelName } from './layers.ts';
import { METRICS, type Metric, type MetricId, type Prices } from './metrics.ts';
import type { SuggestedBy } from './search-types.ts';
import { adjustDeltas, estimate, estimateOfExponential } from './statistics.ts';
import type { ComparisonRow, TrialCounts } from './types.ts';

export interface RowContext extends Prices {
  readonly baseline: CellGroup | null;
  /** Of GPU memory, by cell. */
  readonly estimatedBytes: ReadonlyMap<string, number>;
  /** Cells that exist for a search alone. */
  readonly suggested: ReadonlyMap<string, SuggestedBy>;
}

/** Rows in reading order: by model, deepest first, then as the vocabulary lists precisions and methods. */
export function comparisonRows(groups: readonly CellGroup[], context: RowContext): ComparisonRow[] {
  const originals = new Map(groups.flatMap(originalLayers));
  const rows = groups.map((group) => row(group, originals, context)).sort(inReadingOrder);
  const deltas = adjustDeltas(rows.map((item) => item.lossDelta));
  const front = onFront(rows, new Map(groups.map((group) => [group.cell.id, evaluationKeys(group)])));
  return rows.map((item, index) => ({
    ...item,
    lossDelta: deltas[index] ?? item.lossDelta,
    onParetoFront: front.has(item.cellId),
  }));
}

function row(group: CellGroup, originals: ReadonlyMap<string, number>, context: RowContext): ComparisonRow {
  const { cell, trials, measured } = group;
  const first = measured[0]?.result ?? null;
  const figures = figuresOf(measured, context);
  const metric = common(measured.map(measures.memoryCounterOf));
  return {
    cellId: cell.id,
    label: cell.label,
    isBaseline: cell.id === context.baseline?.cell.id,
    model: modelName(cell.model),
    layers: {
      choice: cell.layers,
      kept: first?.model.layersKept ?? null,
      original: first?.model.layersOriginal ?? originals.get(modelName(cell.model)) ?? null,
    },
    precision: cell.precision,
    computeDtype: common(measured.map(({ result }) => result.computeDtype)),
    method: cell.method,
    parameters: cell.parameters,
    suggestedBy: context.suggested.get(cell.id) ?? null,
    trials: countStates(trials),
    seeds: measured.map((trial) => trial.seed),
    devices: [...new Set(measured.map(({ result }) => result.environment.device))].sort(),
    mixedEnvironment: isMixed(group, context.baseline),
    parameterCount: first?.model.parameters ?? null,
    trainableParameters: first?.model.trainableParameters ?? null,
    bitsPerParameter: first?.model.bitsPerParameter ?? null,
    quantizedBitsPerParameter: first?.model.quantizedBitsPerParameter ?? null,
    weightBytes: first?.model.weightBytes ?? null,
    ...figures,
    lossStandardError: mean(valuesOf(measured, measures.lossStandardError)),
    memoryMetric: metric,
    peakMemoryBytes: metric === null ? estimate([]) : figures.peakMemoryBytes,
    // Says nothing about the memory of a process on a CPU.
    estimatedBytes: metric === 'peak-rss' ? null : (context.estimatedBytes.get(cell.id) ?? null),
    lossDelta: lossDelta(group, context.baseline),
    onParetoFront: false,
  };
}

function figuresOf(measured: readonly MeasuredTrial[], prices: Prices): Record<MetricId, Estimate> {
  const figure = ({ measure, logarithm }: Metric): Estimate => {
    const values = valuesOf(measured, (trial) => measure(trial, prices));
    return logarithm === undefined ? estimate(values) : estimateOfExponential(valuesOf(measured, logarithm), values);
  };
  return Object.fromEntries(Object.entries(METRICS).map(([id, metric]) => [id, figure(metric)])) as Record<
    MetricId,
    Estimate
  >;
}

/** Depth of a model as its measured cells found it, so that unmeasured siblings are placed next to them. */
function originalLayers({ cell, measured }: CellGroup): [string, number][] {
  const original = measured[0]?.result.model.layersOriginal;
  return original === undefined ? [] : [[modelName(cell.model), original]];
}

function evaluationKeys({ measured }: CellGroup): string {
  return [...new Set(measured.map(measures.evaluationKey))].sort().join();
}

/** The value that all share; null where there is none or more than one. */
function common<T>(values: readonly T[]): T | null {
  const [first, ...others] = new Set(values);
  return first === undefined || others.length > 0 ? null : first;
}

function isMixed(group: CellGroup, baseline: CellGroup | null): boolean {
  const keys = new Set(group.measured.map(measures.environmentKey));
  if (keys.size > 1) return true;
  const reference = new Set((baseline?.measured ?? []).map(measures.environmentKey));
  return keys.size === 1 && reference.size > 0 && !(reference.size === 1 && keys.isSubsetOf(reference));
}

function countStates(trials: readonly ComparedTrial[]): TrialCounts {
  const byState: Partial<Record<TrialState, number>> = {};
  for (const { state } of trials) byState[state] = (byState[state] ?? 0) + 1;
  return { total: trials.length, byState };
}

/**
 * Pareto front over three axes: mean held-out loss (lower), mean peak memory (lower; `memoryMetric`) and mean
 * tokens/s (higher). Rows are held against rows of the same devices, memory metric and held-out tokens only.
 * A cell with a diverged trial is never on it: the mean of those that survived flatters it.
 */
function onFront(rows: readonly ComparisonRow[], evaluations: ReadonlyMap<string, string>): Set<string> {
  const candidates = rows.filter((item) => item.loss.n === item.seeds.length);
  const groups = Map.groupBy(candidates, (item) =>
    JSON.stringify([item.devices, item.memoryMetric, evaluations.get(item.cellId)]),
  );
  const front = [...groups.values()].flatMap((group) =>
    paretoFront(group, [
      { value: (item) => item.loss.mean, better: 'lower' },
      { value: (item) => item.peakMemoryBytes.mean, better: 'lower' },
      { value: (item) => item.tokensPerSecond.mean, better: 'higher' },
    ]),
  );
  return new Set(front.map((item) => item.cellId));
}

function inReadingOrder(a: ComparisonRow, b: ComparisonRow): number {
  return (
    compare(a.model, b.model) ||
    depth(b) - depth(a) ||
    compare(a.layers.choice.strategy, b.layers.choice.strategy) ||
    PRECISIONS.indexOf(a.precision) - PRECISIONS.indexOf(b.precision) ||
    METHODS.indexOf(a.method) - METHODS.indexOf(b.method) ||
    compare(a.label, b.label) ||
    compare(a.cellId, b.cellId)
  );
}

/** Layers that remain, as far as known before anything ran: a cut without a known size counts as deep. */
function depth({ layers }: ComparisonRow): number {
  return (
    layers.kept?.length ?? keptLayers(layers.choice, layers.original) ?? (layers.choice.strategy === 'all' ? 1e6 : 1e5)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

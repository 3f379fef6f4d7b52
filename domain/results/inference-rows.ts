/** *Inference*: how fast the trained model generates, with the adapter apart and merged, from raw samples. */
import type { InferenceResult, InferenceSamples } from '../contract/result.ts';
import type { Estimate } from './estimates.ts';
import type { CellGroup, MeasuredTrial } from './input.ts';
import { estimate, pairedRatio, percentile } from './statistics.ts';
import type { ComparisonRow, InferenceRow, Percentiles } from './types.ts';

/** One row per cell and batch size, in the order of the training matrix. */
export function inferenceTable(groups: readonly CellGroup[], rows: readonly ComparisonRow[]): InferenceRow[] {
  const byId = new Map(groups.map((group) => [group.cell.id, group]));
  return rows.flatMap((row) => {
    const measured = byId.get(row.cellId)?.measured ?? [];
    const sizes = new Set(
      measured.flatMap(({ result }) => (result.inference?.trained ?? []).map((one) => one.batchSize)),
    );
    return [...sizes].sort((a, b) => a - b).map((batchSize) => inferenceRow(row, measured, batchSize));
  });
}

interface Pair {
  readonly result: InferenceResult;
  readonly trained: InferenceSamples;
  readonly merged: InferenceSamples | null;
}

function inferenceRow(row: ComparisonRow, measured: readonly MeasuredTrial[], batchSize: number): InferenceRow {
  const of = (list: readonly InferenceSamples[] | null) => list?.find((one) => one.batchSize === batchSize);
  const pairs = measured.flatMap(({ result: { inference } }): Pair[] => {
    const trained = of(inference?.trained ?? null);
    return inference && trained ? [{ result: inference, trained, merged: of(inference.merged) ?? null }] : [];
  });
  const merged = pairs.flatMap((pair) => (pair.merged === null ? [] : [{ ...pair, trained: pair.merged }]));
  const both = pairs.flatMap((pair) => (pair.merged === null ? [] : [{ ...pair, merged: pair.merged }]));
  return {
    cellId: row.cellId,
    label: row.label,
    batchSize,
    promptTokens: pairs[0]?.result.promptTokens ?? null,
    newTokens: pairs[0]?.result.newTokens ?? null,
    firstTokenSeconds: percentiles(pairs.flatMap(({ trained }) => trained.prefillSeconds)),
    prefillTokensPerSecond: speed(pairs, prefillSpeed),
    decodeTokensPerSecond: speed(pairs, decodeSpeed),
    mergedDecodeTokensPerSecond: speed(merged, decodeSpeed),
    peakMemoryBytes: estimate(pairs.flatMap(({ trained }) => trained.peakMemoryBytes ?? [])),
    mergedSpeedup: pairedRatio(
      both.map((pair) => [decodeSpeed(pair.result, pair.merged), decodeSpeed(pair.result, pair.trained)] as const),
    ),
    mergedFirstTokenRatio: pairedRatio(
      both.map(({ trained, merged: other }) => [median(other.prefillSeconds), median(trained.prefillSeconds)] as const),
    ),
  };
}

/** Prompt tokens of the whole batch over the median time to its first tokens. */
export function prefillSpeed({ promptTokens }: InferenceResult, samples: InferenceSamples): number {
  return (samples.batchSize * promptTokens) / median(samples.prefillSeconds);
}

/** New tokens of the whole batch over the median time for them; the first one belongs to prefill. */
export function decodeSpeed({ newTokens }: InferenceResult, samples: InferenceSamples): number {
  return (samples.batchSize * newTokens) / median(samples.decodeSeconds);
}

function speed(pairs: readonly Pair[], of: (result: InferenceResult, samples: InferenceSamples) => number): Estimate {
  return estimate(pairs.map(({ result, trained }) => of(result, trained)).filter((value) => Number.isFinite(value)));
}

function median(samples: readonly number[]): number {
  return percentile(samples, 0.5) ?? Number.NaN;
}

/** Over the raw samples of all seeds. */
function percentiles(samples: readonly number[]): Percentiles {
  return {
    n: samples.length,
    p50: percentile(samples, 0.5),
    p95: percentile(samples, 0.95),
  };
}

import type { Comparison, ComparisonRow } from '@lamina/domain/results/types.ts';

/** What of a comparison must not depend on what happened to the process: everything but times, memory and identities. */
export function steadyRows(comparison: Comparison): unknown {
  return comparison.rows.map((row: ComparisonRow) => ({
    cellId: row.cellId,
    label: row.label,
    isBaseline: row.isBaseline,
    trials: row.trials,
    seeds: row.seeds,
    layers: row.layers,
    computeDtype: row.computeDtype,
    parameterCount: row.parameterCount,
    trainableParameters: row.trainableParameters,
    weightBytes: row.weightBytes,
    bitsPerParameter: row.bitsPerParameter,
    quantizedBitsPerParameter: row.quantizedBitsPerParameter,
    rawLoss: row.rawLoss,
    rawAccuracy: row.rawAccuracy,
    loss: row.loss,
    perplexity: row.perplexity,
    accuracy: row.accuracy,
    lossDelta: row.lossDelta,
  }));
}

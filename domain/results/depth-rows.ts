import type { ComparisonRow, DepthRow } from './types.ts';

/**
 * *Depth*: what the cut costs, as cut and after training. One row per measured cell, the least cut first within
 * each model, precision, method and set of further parameters, so that a line can be read downwards.
 */
export function depthTable(rows: readonly ComparisonRow[]): DepthRow[] {
  const measured = rows.filter((row) => row.layers.kept !== null);
  const families = Map.groupBy(measured, (row) =>
    JSON.stringify([row.model, row.precision, row.method, Object.entries(row.parameters).sort()]),
  );
  return [...families.values()].flat().map((row) => ({
    cellId: row.cellId,
    label: row.label,
    strategy: row.layers.choice.strategy,
    kept: row.layers.kept,
    original: row.layers.original,
    fractionRemoved: fractionRemoved(row),
    precision: row.precision,
    method: row.method,
    rawLoss: row.rawLoss,
    loss: row.loss,
    rawAccuracy: row.rawAccuracy,
    accuracy: row.accuracy,
  }));
}

function fractionRemoved({ layers: { kept, original } }: ComparisonRow): number | null {
  return kept === null || original === null || original === 0 ? null : 1 - kept.length / original;
}

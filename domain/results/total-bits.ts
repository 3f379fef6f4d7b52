import type { ComparisonRow, TotalBitsLine } from './types.ts';

/**
 * *Total bits*: quality against the bits that the base weights take (8 × weight bytes as measured from the tensors,
 * quantization constants included, adapters not). One line per model, precision, method and set of further
 * parameters; its points are depths, fewest bits first. After "The case for 4-bit precision" (Dettmers & Zettlemoyer,
 * 2023, arXiv:2212.09720), with depth as the second family.
 */
export function totalBits(rows: readonly ComparisonRow[]): TotalBitsLine[] {
  const lines = Map.groupBy(
    rows.filter((row) => row.weightBytes !== null && row.loss.n > 0),
    (row) => JSON.stringify([row.model, row.precision, row.method, Object.entries(row.parameters).sort()]),
  );
  const severalModels = new Set(rows.map((row) => row.model)).size > 1;
  return [...lines.values()].flatMap((line) => {
    const [first] = line;
    if (first === undefined) return [];
    const parameters = Object.entries(first.parameters).map(([path, value]) => `${path} ${value}`);
    return [
      {
        label: [...(severalModels ? [first.model] : []), first.precision, first.method, ...parameters].join(' · '),
        model: first.model,
        precision: first.precision,
        method: first.method,
        points: line
          .map(({ cellId, label, weightBytes, loss }) => ({ cellId, label, totalBits: 8 * (weightBytes ?? 0), loss }))
          .sort((a, b) => a.totalBits - b.totalBits || (a.cellId < b.cellId ? -1 : 1)),
      },
    ];
  });
}

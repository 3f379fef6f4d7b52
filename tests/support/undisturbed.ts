import type { Comparison } from '@lamina/domain/results/types.ts';

/** What of a comparison must not depend on what happened to the process: everything but times, memory and identities. */
export function steady({ rows, gguf, search }: Comparison) {
  return {
    rows: rows.map((row) => ({
      cellId: row.cellId,
      label: row.label,
      isBaseline: row.isBaseline,
      suggestedBy: row.suggestedBy,
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
    })),
    gguf: gguf.map((row) => ({
      cellId: row.cellId,
      label: row.label,
      type: row.type,
      missing: row.missing,
      bitsPerWeight: row.bitsPerWeight,
      fileBytes: row.fileBytes,
      perplexity: row.perplexity,
      perplexityDelta: row.perplexityDelta,
      divergence: row.divergence,
      sameTop: row.sameTop,
    })),
    search: search.studies.map((study) => ({
      label: study.label,
      suggestions: study.suggestions,
      base: study.base,
      best: study.best,
      bestParameters: study.bestParameters,
    })),
  };
}

/** One line for each value of two trees of JSON that is not the same in both; numbers to the last bit. */
export function differences(left: unknown, right: unknown, path = ''): string[] {
  if (isTree(left) && isTree(right)) {
    const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
    return [...keys].flatMap((key) => differences(left[key], right[key], path === '' ? key : `${path}.${key}`));
  }
  return Object.is(left, right) ? [] : [`${path}: ${JSON.stringify(left)}, ${JSON.stringify(right)}`];
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

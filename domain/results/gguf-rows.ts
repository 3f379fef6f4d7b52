/** *GGUF*: size, speed and quality of the files made of the trained model, from raw samples. */

import { type GgufResult } from '../contract/result.ts';
import { GGUF_TYPES } from '../contract/settings.ts';
import { mean } from '../measures/measures.ts';
import type { Estimate } from './estimates.ts';
import type { CellGroup } from './input.ts';
import { estimate, standardDeviation } from './statistics.ts';
import type { ComparisonRow, GgufRow } from './types.ts';

/** One row per cell and type, cells in the order of the training matrix, types from the widest on. */
export function ggufTable(groups: readonly CellGroup[], rows: readonly ComparisonRow[]): GgufRow[] {
  const byId = new Map(groups.map((group) => [group.cell.id, group]));
  return rows.flatMap((row) => {
    const files = (byId.get(row.cellId)?.measured ?? []).flatMap(({ result }) => result.gguf ?? []);
    return GGUF_TYPES.flatMap((type) => {
      const ofType = files.filter((file) => file.type === type);
      return ofType.length === 0 ? [] : [ggufRow(row, type, ofType)];
    });
  });
}

/** `files`: one of each seed. */
function ggufRow(row: ComparisonRow, type: GgufResult['type'], files: readonly GgufResult[]): GgufRow {
  const over = (read: (file: GgufResult) => number | null): Estimate =>
    estimate(files.flatMap((file) => read(file) ?? []));
  const typical = (read: (file: GgufResult) => number | null) => over(read).mean;
  return {
    cellId: row.cellId,
    label: row.label,
    type,
    missing: files.find(({ missing }) => missing !== null)?.missing ?? null,
    bitsPerWeight: typical((file) => file.bitsPerWeight),
    fileBytes: typical((file) => file.fileBytes),
    promptTokensPerSecond: over((file) => mean(file.promptTokensPerSecond)),
    promptDeviation: typical((file) => standardDeviation(file.promptTokensPerSecond)),
    generatedTokensPerSecond: over((file) => mean(file.generatedTokensPerSecond)),
    generatedDeviation: typical((file) => standardDeviation(file.generatedTokensPerSecond)),
    perplexity: over((file) => file.perplexity),
    perplexityStandardError: typical((file) => file.perplexityStandardError),
    perplexityDelta: over((file) => file.perplexityDelta),
    perplexityDeltaStandardError: typical((file) => file.perplexityDeltaStandardError),
    divergence: over((file) => file.divergence),
    sameTop: over((file) => file.sameTop),
  };
}

/**
 * How one cell of a table comes about: `input.ts` groups trials by cell; `metrics.ts` says how a figure is read from a
 * trial, by the functions of `domain/measures`; `statistics.ts` estimates it over seeds; `rows.ts` and the `*-rows.ts` make
 * the rows; `tables/*.ts` say which columns a table has; `tables/column.ts` and `format.ts` how a value is written; and
 * `render-markdown.ts`, `render-csv.ts`, the command line and the dashboard lay the tables out.
 */
import { trialHasEnded } from '../vocabulary/states.ts';
import { depthTable } from './depth-rows.ts';
import { ggufTable } from './gguf-rows.ts';
import { inferenceTable } from './inference-rows.ts';
import { type ComparisonInput, groupByCell, valuesOf } from './input.ts';
import { comparisonNotes } from './notes.ts';
import { quantizationCost } from './quantization-cost.ts';
import { recommend } from './recommend.ts';
import { comparisonRows } from './rows.ts';
import { searchNotes, searchTables, suggestedCells } from './search-rows.ts';
import { estimate } from './statistics.ts';
import { computedTables } from './tables/registry.ts';
import { tasksTable } from './tasks-rows.ts';
import { totalBits } from './total-bits.ts';
import type { Comparison } from './types.ts';

export type { ComparisonInput } from './input.ts';

/** One comparison from the trials of an experiment. Pure; the order of the trials does not matter. */
export function compareTrials(input: ComparisonInput): Comparison {
  const groups = groupByCell(input.trials);
  const baseline = groups.find((group) => group.cell.id === input.baselineCellId) ?? null;
  const suggested = suggestedCells(groups, input.search ?? []);
  const rows = comparisonRows(groups, {
    baseline,
    pricePerHour: input.pricePerHour ?? null,
    estimatedBytes: input.estimatedBytes ?? new Map(),
    suggested,
  });
  // Searched settings would be taken for the effect of depth or precision.
  const plain = rows.filter(({ suggestedBy }) => suggestedBy === null);
  const plainGroups = groups.filter(({ cell }) => !suggested.has(cell.id));
  const byId = new Map(groups.map((group) => [group.cell.id, group]));
  const search = searchTables(input, groups, rows);
  return {
    experimentId: input.experimentId,
    name: input.name,
    state: input.state,
    complete: input.trials.every(({ state }) => trialHasEnded(state)),
    baselineCellId: baseline?.cell.id ?? null,
    recommendation: recommend(input, groups, rows),
    rows,
    quantizationCost: quantizationCost(plainGroups, plain),
    inference: inferenceTable(groups, rows),
    depth: depthTable(plain),
    totalBits: totalBits(plain),
    gguf: ggufTable(groups, rows),
    tasks: tasksTable(groups, rows),
    search,
    tables: computedTables({
      cells: rows,
      over: ({ cellId }, measure) => estimate(valuesOf(byId.get(cellId)?.measured ?? [], measure)),
    }),
    notes: [...comparisonNotes(input, groups, rows), ...searchNotes(search)],
  };
}

/** The sentence on top: the best cell under the user's limits, and how sure that is. */

import { evaluationKey, objectiveCost } from '../measures/measures.ts';
import type { Objective } from '../vocabulary/comparison.ts';
import { counted, fixed, gibibytes, listing, MEMORY_COUNTER_NAMES, percent, significant } from './format.ts';
import { type CellGroup, type ComparisonInput, pairsBySeed } from './input.ts';
import { pairedDifference } from './statistics.ts';
import type { ComparisonRow, Recommendation } from './types.ts';

/** A difference counts as real where its 95 % interval does not hold zero: p below this. */
const ALPHA = 0.05;
/** Below this many seeds the sentence warns that only large differences can show. */
const FEW_SEEDS = 4;

interface Candidate {
  readonly row: ComparisonRow;
  readonly group: CellGroup;
  readonly cost: number;
}

/**
 * The best cell is the one with the best mean of the objective among the cells whose trials all succeeded and whose
 * highest measured memory and mean cost keep the limits. Every other such cell is tested against it, paired by seed;
 * those with p ≥ 0.05, or that one seed alone cannot test, are `indistinguishable`. There is no adjustment for the
 * number of cells: it would make a larger matrix call worse cells equal, and contradict the intervals in the table.
 * The test sees variation between seeds only, not that of the held-out text.
 */
export function recommend(
  input: ComparisonInput,
  groups: readonly CellGroup[],
  rows: readonly ComparisonRow[],
): Recommendation {
  const objective = input.objective ?? 'loss';
  const limits = { maxMemoryBytes: input.limits?.maxMemoryBytes ?? null, maxCost: input.limits?.maxCost ?? null };
  const none = (sentence: string): Recommendation => ({
    cellId: null,
    sentence,
    indistinguishable: [],
    objective,
    limits,
  });

  const complete = candidates(groups, rows, objective);
  if (complete.length === 0) return none(nothingMeasured(input, rows));
  if (new Set(complete.flatMap(({ group }) => group.measured.map(evaluationKey))).size > 1) {
    return none('No best cell can be named: the cells were scored on different held-out tokens.');
  }
  const fitting = complete.filter(({ row }) => fits(row, limits));
  const [best, ...others] = fitting.toSorted(byCost);
  if (best === undefined) return none(nothingFits(complete, limits));

  const indistinguishable = notToldApart(best, others, objective);
  const sentence = [
    bestText(input, rows, best.row, objective, limits),
    surenessText(best, others, indistinguishable),
    ...searchText(best.row),
    ...(indistinguishable.length === 0 ? leadText(best, others, objective) : []),
  ].join(' ');
  return { cellId: best.row.cellId, sentence, indistinguishable: indistinguishable.map(idOf), objective, limits };
}

function candidates(groups: readonly CellGroup[], rows: readonly ComparisonRow[], objective: Objective): Candidate[] {
  const byId = new Map(groups.map((group) => [group.cell.id, group]));
  return rows.flatMap((row) => {
    const group = byId.get(row.cellId);
    const { n, mean } = objective === 'accuracy' ? row.accuracy : row.loss;
    if (group === undefined || mean === null || n < row.trials.total) return [];
    return [{ row, group, cost: objective === 'accuracy' ? -mean : mean }];
  });
}

function fits({ peakMemoryBytes, cost }: ComparisonRow, limits: Recommendation['limits']): boolean {
  const { maxMemoryBytes, maxCost } = limits;
  const memoryFits =
    maxMemoryBytes === null || (peakMemoryBytes.n > 0 && peakMemoryBytes.samples.every((x) => x <= maxMemoryBytes));
  return memoryFits && (maxCost === null || (cost.mean !== null && cost.mean <= maxCost));
}

function byCost(a: Candidate, b: Candidate): number {
  return a.cost - b.cost || (a.row.weightBytes ?? 0) - (b.row.weightBytes ?? 0) || (idOf(a) < idOf(b) ? -1 : 1);
}

function idOf({ row }: Candidate): string {
  return row.cellId;
}

function notToldApart(best: Candidate, others: readonly Candidate[], objective: Objective): Candidate[] {
  const measure = objectiveCost(objective);
  return others.filter(({ group }) => {
    const pairs = pairsBySeed(group.measured, best.group.measured, measure);
    return (pairedDifference(pairs.map(([other, own]) => other - own)).p ?? 1) >= ALPHA;
  });
}

function nothingMeasured({ state }: ComparisonInput, rows: readonly ComparisonRow[]): string {
  const total = rows.reduce((sum, row) => sum + row.trials.total, 0);
  const measured = rows.reduce((sum, row) => sum + row.seeds.length, 0);
  const running = state === 'pending' || state === 'running' || state === 'paused';
  if (running) return `No cell is complete yet: ${measured} of ${counted(total, 'trial')} measured.`;
  return 'No best cell: there is no cell whose trials all succeeded.';
}

function nothingFits(complete: readonly Candidate[], limits: Recommendation['limits']): string {
  const lightest = complete
    .flatMap(({ row }) => (row.peakMemoryBytes.n > 0 ? [{ row, bytes: Math.max(...row.peakMemoryBytes.samples) }] : []))
    .sort((a, b) => a.bytes - b.bytes)[0];
  const need =
    lightest && limits.maxMemoryBytes !== null
      ? ` The lightest, ${lightest.row.label}, needs ${gibibytes(lightest.bytes)} GiB.`
      : '';
  return `No measured cell keeps the limit of ${limitText(limits)}.${need}`;
}

function limitText({ maxMemoryBytes, maxCost }: Recommendation['limits']): string {
  return [
    ...(maxMemoryBytes === null ? [] : [`${gibibytes(maxMemoryBytes)} GiB`]),
    ...(maxCost === null ? [] : [`${significant(maxCost)} a trial`]),
  ].join(' and ');
}

function bestText(
  input: ComparisonInput,
  rows: readonly ComparisonRow[],
  row: ComparisonRow,
  objective: Objective,
  limits: Recommendation['limits'],
): string {
  const waiting = rows.some((other) => other.seeds.length < other.trials.total) && input.state !== 'succeeded';
  const within = limitText(limits) === '' ? '' : ` within ${limitText(limits)}`;
  const [what, value] = objectiveText(row, objective);
  const memory =
    row.memoryMetric === null || row.peakMemoryBytes.mean === null
      ? []
      : [`${gibibytes(row.peakMemoryBytes.mean)} GiB ${MEMORY_COUNTER_NAMES[row.memoryMetric]}`];
  const speed = row.tokensPerSecond.mean === null ? [] : [`${significant(row.tokensPerSecond.mean)} tokens/s`];
  return `${waiting ? 'So far, best' : 'Best'} ${what}${within}: ${row.label}, ${[value, ...memory, ...speed].join(', ')}.`;
}

function objectiveText(
  { loss, perplexity, accuracy }: ComparisonRow,
  objective: Objective,
): [what: string, value: string] {
  const [lossText, perplexityText] = [fixed(3)(loss.mean ?? 0), significant(perplexity.mean ?? 0)];
  if (objective === 'accuracy') return ['token accuracy', `${percent(accuracy.mean ?? 0)} %`];
  if (objective === 'perplexity') return ['perplexity', `${perplexityText} (loss ${lossText})`];
  return ['held-out loss', `${lossText} (perplexity ${perplexityText})`];
}

function surenessText(best: Candidate, others: readonly Candidate[], same: readonly Candidate[]): string {
  const seeds = best.row.seeds.length;
  if (others.length === 0) return 'It is the only cell to choose from.';
  if (seeds < 2) return 'One seed says nothing about chance: run more seeds before relying on this order.';
  const few = seeds < FEW_SEEDS ? ` With ${seeds} seeds only large differences can show.` : '';
  if (same.length === 0) {
    return `It beats every other cell by more than seeds vary (paired over ${seeds} seeds, p < 0.05 each).${few}`;
  }
  const names = listing(
    same.map(({ row }) => row.label),
    3,
  );
  return `Over ${seeds} seeds it cannot be told apart from ${counted(same.length, 'other cell')}: ${names}.${lighter(best, same)}${few}`;
}

/** The best of many tries is better than it will be again. */
function searchText({ suggestedBy }: ComparisonRow): string[] {
  if (suggestedBy === null) return [];
  return [`A search found it (suggestion ${suggestedBy.number} of ${suggestedBy.study}), so its lead is flattered.`];
}

/** Seeds do not vary the held-out text: a lead below its standard error may not carry over to other text. */
function leadText(best: Candidate, [next]: readonly Candidate[], objective: Objective): string[] {
  const error = best.row.lossStandardError;
  if (next === undefined || objective === 'accuracy' || error === null) return [];
  const lead = next.cost - best.cost;
  if (lead >= error) return [];
  return [
    `Its lead over the next cell (${fixed(3)(lead)} in loss) is below the held-out text's standard error (${fixed(3)(error)}).`,
  ];
}

/** The lightest of the equals, where it saves something: the choice that a reader may prefer. */
function lighter(best: Candidate, same: readonly Candidate[]): string {
  const own = best.row.weightBytes;
  const lightest = same
    .flatMap(({ row }) => (row.weightBytes === null ? [] : [{ label: row.label, bytes: row.weightBytes }]))
    .sort((a, b) => a.bytes - b.bytes)[0];
  if (lightest === undefined || own === null || lightest.bytes >= own) return '';
  return ` Of these ${lightest.label} has the smallest weights (${percent(lightest.bytes / own)} % of the best cell's).`;
}

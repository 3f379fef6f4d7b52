/**
 * *Search*: what each study found and what that took; *Search against switching*: whether the same hours would have
 * gained more on another depth, precision, method or model.
 *
 * Everything is in the seed of the suggestions, one trial of each cell, so that neither side pays for further seeds.
 * Hours are added up in the order of suggestions, and of cells in reading order, as if one trial ran after another.
 */

import type { Measure } from '../measures/measures.ts';
import { searchMeasure } from '../search/end.ts';
import type { SearchedStudy, SearchedSuggestion } from '../search/types.ts';
import { DIRECTIONS } from '../spec/search.ts';
import type { Delta } from './estimates.ts';
import { type CellGroup, type ComparedTrial, type ComparisonInput, valuesOf } from './input.ts';
import { hoursLeft, hoursOfTrial, secondsPerStep, total } from './search-hours.ts';
import { improvement, type StudyFacts, switchingRows } from './search-switching.ts';
import type { SearchComparison, SearchPoint, SearchRow, SuggestedBy } from './search-types.ts';
import { standardDeviation, tCritical } from './statistics.ts';
import type { ComparisonRow } from './types.ts';

/** Cells that exist for suggestions alone, with the study and number that asked for them first. */
export function suggestedCells(
  groups: readonly CellGroup[],
  search: readonly SearchedStudy[],
): ReadonlyMap<string, SuggestedBy> {
  const byTrial = new Map<string, SuggestedBy>();
  for (const { study, suggestions } of search)
    for (const { trialId, own, number } of suggestions)
      if (own && trialId !== null && !byTrial.has(trialId)) byTrial.set(trialId, { study: study.label, number });
  return new Map(
    groups.flatMap(({ cell, trials }) => {
      const by = trials.map(({ trial }) => byTrial.get(trial.id));
      const [first] = by;
      return first !== undefined && !by.includes(undefined) ? [[cell.id, first] as const] : [];
    }),
  );
}

/** `rows` in reading order. */
export function searchTables(
  input: ComparisonInput,
  groups: readonly CellGroup[],
  rows: readonly ComparisonRow[],
): SearchComparison {
  const byId = new Map(groups.map((group) => [group.cell.id, group]));
  const plain = rows.flatMap(({ cellId, suggestedBy }) => (suggestedBy === null ? (byId.get(cellId) ?? []) : []));
  const trials = new Map(input.trials.map((trial) => [trial.trial.id, trial]));
  const studies = (input.search ?? []).flatMap((searched) => factsOf(input, searched, plain, trials));
  return {
    studies: studies.map(({ row }) => row),
    switching: studies.flatMap((facts) => switchingRows(facts, plain)),
  };
}

function factsOf(
  input: ComparisonInput,
  searched: SearchedStudy,
  plain: readonly CellGroup[],
  trials: ReadonlyMap<string, ComparedTrial>,
): StudyFacts[] {
  const { study } = searched;
  const [objective] = study.objectives;
  const baseCellId =
    study.cellIds.find((id) => id === input.baselineCellId) ?? study.cellIds.find((id) => id !== undefined);
  if (objective === undefined || baseCellId === undefined) return [];
  const suggestions = searched.suggestions.toSorted((a, b) => a.number - b.number);
  const trialOf = ({ trialId }: SearchedSuggestion) => (trialId === null ? undefined : trials.get(trialId));
  const own = [
    ...new Set(suggestions.filter((one) => one.own && one.end !== null).flatMap((one) => trialOf(one) ?? [])),
  ];
  const baseGroup = plain.find(({ cell }) => cell.id === baseCellId);
  const seed = own[0]?.trial.settings.seed ?? baseGroup?.trials[0]?.trial.settings.seed ?? 0;
  const measure = searchMeasure(objective, input.pricePerHour ?? null);
  const better = DIRECTIONS[objective] === 'minimize' ? 'lower' : 'higher';
  const sign = better === 'lower' ? -1 : 1;
  const delta = deltaOf(plain, measure);

  const { ends, curve } = progress(suggestions, sign, trialOf);
  const best = bestOf(suggestions, sign);
  const base = valuesOf(baseGroup?.measured.filter((trial) => trial.seed === seed) ?? [], measure)[0] ?? null;
  const bestValue = best?.end?.values?.[0] ?? null;
  const gain = base === null || bestValue === null ? null : improvement(bestValue, base, sign);
  const hours = total(own.map(hoursOfTrial));
  const inState = (state: ComparedTrial['state']) => suggestions.filter((one) => trialOf(one)?.state === state).length;
  const ended = (state: 'complete' | 'failed') => suggestions.filter(({ end }) => end?.state === state).length;
  const stopped = own.filter(({ state }) => state === 'pruned');
  const stepSeconds = secondsPerStep(own);
  const row: SearchRow = {
    cellId: study.key,
    label: study.label,
    sampler: study.spec.sampler,
    objective,
    better,
    suggestions: suggestions.length,
    complete: ended('complete'),
    pruned: inState('pruned'),
    diverged: inState('diverged'),
    // With several objectives a trial that diverged counts as failed for the sampler.
    failed: ended('failed') - (study.objectives.length > 1 ? inState('diverged') : 0),
    hoursOf: own.some(({ trial }) => trial.settings.gpus > 0) ? 'GPU' : 'machine',
    hours,
    baseCellId,
    base,
    bestCellId: best === null ? null : (trialOf(best)?.trial.cell.id ?? null),
    best: bestValue,
    bestParameters: best === null ? null : parametersText(best, trialOf(best)),
    gain: delta(gain),
    gainPerHour: gain === null || hours === null || hours === 0 ? null : gain / hours,
    savedHours: study.spec.pruner === null ? null : total(stopped.map((trial) => hoursLeft(trial, stepSeconds))),
    curve,
  };
  return [{ row, measure, seed, sign, delta, ends }];
}

/** Trials that were there already, and those of earlier suggestions, take no further hours. */
function progress(
  suggestions: readonly SearchedSuggestion[],
  sign: number,
  trialOf: (suggestion: SearchedSuggestion) => ComparedTrial | undefined,
): { readonly ends: readonly number[]; readonly curve: readonly SearchPoint[] } {
  const paid = new Set<string>();
  const ends: number[] = [];
  const curve: SearchPoint[] = [];
  let spent = 0;
  for (const suggestion of suggestions) {
    if (suggestion.end === null) continue;
    const trial = trialOf(suggestion);
    if (suggestion.own && trial !== undefined && !paid.has(trial.trial.id)) {
      const hours = hoursOfTrial(trial);
      if (hours === null) return { ends: [], curve: [] };
      spent += hours;
      paid.add(trial.trial.id);
    }
    ends.push(spent);
    const value = suggestion.end.values?.[0];
    const last = curve.at(-1);
    if (value !== undefined && (last === undefined || improvement(value, last.best, sign) > 0))
      curve.push({ number: suggestion.number, hours: spent, best: value });
  }
  return { ends, curve };
}

/** The first of equals. */
function bestOf(suggestions: readonly SearchedSuggestion[], sign: number): SearchedSuggestion | null {
  let best: SearchedSuggestion | null = null;
  for (const suggestion of suggestions) {
    const value = suggestion.end?.values?.[0];
    if (value === undefined) continue;
    if (best === null || improvement(value, best.end?.values?.[0] ?? 0, sign) > 0) best = suggestion;
  }
  return best;
}

function parametersText({ parameters }: SearchedSuggestion, trial: ComparedTrial | undefined): string {
  const known = trial?.trial.cell.parameters;
  return Object.entries(parameters)
    .filter(([path]) => known === undefined || path in known)
    .map(([path, value]) => {
      const shown = typeof value === 'number' ? Number(value.toPrecision(3)) : value;
      return `${path.slice(path.indexOf('.') + 1)} ${shown}`;
    })
    .join(' · ');
}

/**
 * A difference between two single trials: ± t(0.975, ν) · s · √2, where s² is the variance over seeds pooled over the
 * plain cells that have several, with ν degrees of freedom. It takes suggestions to vary with the seed as those do.
 */
function deltaOf(plain: readonly CellGroup[], measure: Measure): (difference: number | null) => Delta {
  let squares = 0;
  let freedom = 0;
  for (const { measured } of plain) {
    const values = valuesOf(measured, measure);
    const sd = standardDeviation(values);
    if (sd === null) continue;
    squares += sd ** 2 * (values.length - 1);
    freedom += values.length - 1;
  }
  const half = freedom === 0 ? null : tCritical(freedom) * Math.sqrt((2 * squares) / freedom);
  return (difference) => ({
    n: difference === null ? 0 : 1,
    mean: difference,
    low: difference === null || half === null ? null : difference - half,
    high: difference === null || half === null ? null : difference + half,
    p: null,
    pAdjusted: null,
  });
}

/** What a careful reader must know. */
export function searchNotes({ studies }: SearchComparison): string[] {
  const several = studies.filter(({ complete }) => complete > 1).length;
  if (several === 0) return [];
  return [
    'The best suggestion of a study was chosen on the text that it is scored on, and is flattered by chance: run it with further seeds before relying on its gain.',
  ];
}

/** *Search against switching*: a study against the plain cells that differ from its base in one axis. */
import canonicalize from 'canonicalize';
import { environmentKey, evaluationKey, type Measure } from '../measures/measures.ts';
import { hasAdapters } from '../vocabulary/methods.ts';
import type { Delta } from './estimates.ts';
import { type CellGroup, type MeasuredTrial, valuesOf } from './input.ts';
import { hoursOfTrial } from './search-hours.ts';
import { type SearchRow, SWITCHES, type Switch, type SwitchingRow } from './search-types.ts';

/** A study with what its rows are made from. */
export interface StudyFacts {
  readonly row: SearchRow;
  readonly measure: Measure;
  readonly seed: number;
  /** 1 where higher is better, else −1. */
  readonly sign: number;
  /** A difference in the objective with its interval. */
  readonly delta: (difference: number | null) => Delta;
  /** Hours when each suggestion had ended; empty where one of them is not known. */
  readonly ends: readonly number[];
}

/** Rows for each axis in which other cells were measured; `plain` in reading order. */
export function switchingRows(facts: StudyFacts, plain: readonly CellGroup[]): SwitchingRow[] {
  const { row, seed } = facts;
  const base = plain.find(({ cell }) => cell.id === row.baseCellId);
  const own = base?.measured.find((trial) => trial.seed === seed);
  if (base === undefined || own === undefined || row.base === null || facts.ends.length === 0) return [];
  const key = comparabilityOf(row);
  const others = plain.flatMap((group): Step[] => {
    const trial = group.trials.find(({ trial: { settings } }) => settings.seed === seed);
    const measured = group.measured.find((one) => one.seed === seed);
    const [value] = measured === undefined || key(measured) !== key(own) ? [] : valuesOf([measured], facts.measure);
    const hours = trial === undefined ? null : hoursOfTrial(trial);
    if (group === base || value === undefined || hours === null) return [];
    return [{ group, value, hours, differs: differences(group, base) }];
  });
  const rows = SWITCHES.flatMap((switching) => {
    const steps = others.filter(({ differs }) => switching === 'anything' || differs.join() === switching);
    return steps.length === 0 ? [] : [{ switching, steps }];
  });
  // Where all cells differ in one and the same axis, "anything" says the same again.
  const distinct = rows.filter(({ switching }) => switching !== 'anything' || rows.length !== 2 || mixed(others));
  return distinct.map(({ switching, steps }) => switchingRow(facts, switching, steps));
}

/** By how much a value is better than another. */
export function improvement(value: number, than: number, sign: number): number {
  return sign < 0 ? than - value : value - than;
}

interface Step {
  readonly group: CellGroup;
  readonly value: number;
  readonly hours: number;
  readonly differs: readonly Switch[];
}

function mixed(steps: readonly Step[]): boolean {
  return new Set(steps.map(({ differs }) => differs.join())).size > 1;
}

function switchingRow(facts: StudyFacts, switching: Switch, steps: readonly Step[]): SwitchingRow {
  const { row, sign, delta, ends } = facts;
  const base = row.base ?? Number.NaN;
  const hours = Math.min(
    ends.at(-1) ?? 0,
    steps.reduce((sum, step) => sum + step.hours, 0),
  );
  const found = row.curve.findLast((point) => within(point.hours, hours));
  let spent = 0;
  const reached = steps.filter((step) => {
    spent += step.hours;
    return within(spent, hours);
  });
  const best = reached.reduce<Step | null>(
    (so, step) => (so === null || improvement(step.value, so.value, sign) > 0 ? step : so),
    null,
  );
  const searchGain = found === undefined ? null : improvement(found.best, base, sign);
  const switchGain = best === null ? null : improvement(best.value, base, sign);
  return {
    cellId: `${row.cellId}/${switching}`,
    label: row.label,
    switching,
    hoursOf: row.hoursOf,
    hours,
    suggestions: ends.filter((end) => within(end, hours)).length,
    cells: reached.length,
    searchGain: delta(searchGain),
    switchGain: delta(switchGain),
    switchedTo: best?.group.cell.label ?? null,
    difference: delta(searchGain === null || switchGain === null ? null : searchGain - switchGain),
  };
}

/** Sums of the same hours in another order differ in their last digits. */
function within(hours: number, limit: number): boolean {
  return hours <= limit * (1 + 1e-9);
}

/** Losses are held against those on the same tokens, speeds against those on the same device. */
function comparabilityOf({ objective }: Pick<SearchRow, 'objective'>): (trial: MeasuredTrial) => string {
  return objective === 'loss' || objective === 'perplexity' || objective === 'accuracy'
    ? evaluationKey
    : environmentKey;
}

/** lora over unquantized weights and qlora over quantized ones are the same method here: the precision is what differs. */
function differences({ cell }: CellGroup, { cell: base }: CellGroup): Switch[] {
  const differs: readonly (readonly [Switch, unknown, unknown])[] = [
    ['depth', cell.layers, base.layers],
    ['precision', cell.precision, base.precision],
    ['method', hasAdapters(cell.method), hasAdapters(base.method)],
    ['model', cell.model, base.model],
    ['setting', cell.parameters, base.parameters],
  ];
  return differs.flatMap(([name, one, other]) => (canonicalize(one) === canonicalize(other) ? [] : [name]));
}

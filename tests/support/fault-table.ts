/** The result of a fault suite as a table. */
import type { Verdict } from './fault-invariants.ts';
import type { Scenario } from './fault-scenario.ts';

export interface FaultRecord {
  readonly scenario: Scenario;
  readonly seconds: number;
  readonly own: number | undefined;
  readonly verdict: Verdict;
}

export function faultTable(scenarios: readonly Scenario[], records: readonly FaultRecord[]): string {
  const head = [
    'fault',
    'times',
    'outcome',
    'recoveries',
    'median s',
    'longest s',
    "Lamina's part, longest s",
    'counted from → to',
  ];
  const rows = scenarios.flatMap((scenario) => {
    const own = records.filter((one) => one.scenario === scenario);
    if (own.length === 0) return [];
    const seconds = own.map((one) => one.seconds).sort((a, b) => a - b);
    const sum = own.reduce((all, { verdict }) => all + verdict.recoveries, 0);
    const broken = own.flatMap(({ verdict }) => verdict.broken);
    const outcome = broken.length === 0 ? scenario.outcome : `BROKEN: ${broken.join('; ')}`;
    const times = [medianOf(seconds), seconds.at(-1) ?? Number.NaN].map((one) => one.toFixed(1));
    const parts = own.flatMap((one) => (one.own === undefined ? [] : [one.own]));
    const part = parts.length === 0 ? '' : Math.max(...parts).toFixed(1);
    return [[scenario.fault, String(own.length), outcome, String(sum), ...times, part, scenario.counted]];
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(['---', '--:', '---', '--:', '--:', '--:', '--:', '---']), ...rows.map(line)].join('\n');
}

export function totals(records: readonly FaultRecord[]): string {
  const sum = (of: (verdict: Verdict) => number): number => records.reduce((all, { verdict }) => all + of(verdict), 0);
  return `${records.length} faults, ${sum(({ trials }) => trials)} trials, ${sum(({ recoveries }) => recoveries)} further attempts: ${sum(({ lost }) => lost)} trials lost, ${sum(({ doubled }) => doubled)} with two results, ${sum(({ leaked }) => leaked)} Jobs or pods leaked`;
}

/** Median of a sorted list. */
function medianOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** What a careful reader must know before acting on the numbers. */
import { counted, listing, MEMORY_METRIC_NAMES, significant } from './format.ts';
import type { CellGroup, ComparisonInput } from './input.ts';
import { environmentKey, evaluationKey } from './measures.ts';
import { mean } from './statistics.ts';
import type { ComparisonRow } from './types.ts';

/** One sentence each; nothing that does not apply. */
export function comparisonNotes(
  input: ComparisonInput,
  groups: readonly CellGroup[],
  rows: readonly ComparisonRow[],
): string[] {
  return [
    ...seedNotes(rows),
    ...outcomeNotes(rows),
    ...reuseNotes(groups),
    ...baselineNotes(input, rows),
    ...environmentNotes(groups, rows),
    ...evaluationNotes(groups, rows),
    ...resumeNotes(groups),
  ];
}

function seedNotes(rows: readonly ComparisonRow[]): string[] {
  const measured = rows.filter((row) => row.seeds.length > 0);
  if (measured.length === 0) return [];
  const single = measured.filter((row) => row.seeds.length === 1).length;
  if (single === measured.length) return ['One seed per cell: no interval can be given, and the order may be chance.'];
  if (single > 0) return [`${counted(single, 'row')} with one seed only, and so without an interval.`];
  const fewest = Math.min(...measured.map((row) => row.seeds.length));
  return [`Intervals are 95 % Student t over seeds, at least ${fewest} in every row.`];
}

function outcomeNotes(rows: readonly ComparisonRow[]): string[] {
  const count = (state: 'diverged' | 'pruned' | 'failed' | 'cancelled') =>
    rows.reduce((sum, row) => sum + (row.trials.byState[state] ?? 0), 0);
  const waiting = rows.reduce(
    (sum, { trials: { byState } }) => sum + (byState.pending ?? 0) + (byState.running ?? 0) + (byState.retrying ?? 0),
    0,
  );
  const incomplete = rows.filter((row) => row.loss.n < row.trials.total).length;
  return [
    ...(waiting > 0 ? [`${counted(waiting, 'trial')} still to be measured.`] : []),
    ...(count('diverged') > 0 ? [`${counted(count('diverged'), 'trial')} diverged: the loss became infinite.`] : []),
    ...(count('failed') > 0 ? [`${counted(count('failed'), 'trial')} failed.`] : []),
    ...(count('pruned') > 0
      ? [`${counted(count('pruned'), 'trial')} pruned: a search stopped them before their end.`]
      : []),
    ...(count('cancelled') > 0 ? [`${counted(count('cancelled'), 'trial')} cancelled.`] : []),
    ...(incomplete > 0 && waiting === 0
      ? [`${counted(incomplete, 'row')} without all trials measured: means of those that were; never named as best.`]
      : []),
  ];
}

function reuseNotes(groups: readonly CellGroup[]): string[] {
  const measured = groups.flatMap((group) => group.measured);
  const reused = measured.filter((trial) => trial.reusedFrom !== null).length;
  if (reused === 0) return [];
  return [`${reused} of ${counted(measured.length, 'measurement')} taken over from identical earlier trials.`];
}

function baselineNotes(input: ComparisonInput, rows: readonly ComparisonRow[]): string[] {
  if (input.baselineCellId === null) return ['No baseline cell: no differences are given.'];
  const baseline = rows.find((row) => row.isBaseline);
  if (baseline === undefined || baseline.loss.n > 0) return [];
  return [`The baseline, ${baseline.label}, has no measured loss yet: no differences are given.`];
}

function environmentNotes(groups: readonly CellGroup[], rows: readonly ComparisonRow[]): string[] {
  const measured = groups.flatMap((group) => group.measured);
  if (measured.length === 0) return [];
  const cpus = [
    ...new Set(
      measured.flatMap(({ result: { environment } }) => (environment.deviceKind === 'cpu' ? [environment.device] : [])),
    ),
  ].sort();
  const metrics = [...new Set(rows.flatMap((row) => (row.memoryMetric === null ? [] : [row.memoryMetric])))].sort();
  const mixed = rows.filter((row) => row.mixedEnvironment).length;
  const widened = rows.filter(
    ({ computeDtype, precision }) => computeDtype === 'fp32' && !/^(fp32|tf32)$/.test(precision),
  );
  return [
    ...(cpus.length > 0 ? [`Speeds were measured on a CPU (${listing(cpus, 3)}) and say nothing about a GPU.`] : []),
    ...(widened.length > 0
      ? [
          `${counted(widened.length, 'row')} computed in fp32: precision is how the weights are stored, not how they are multiplied.`,
        ]
      : []),
    ...metrics.map((metric) =>
      metrics.length === 1
        ? `Memory is ${MEMORY_METRIC_NAMES[metric]}.`
        : `Memory is ${MEMORY_METRIC_NAMES[metric]} in ${counted(rows.filter((row) => row.memoryMetric === metric).length, 'row')}.`,
    ),
    ...(mixed > 0
      ? [
          `† ${counted(mixed, 'row')} measured on another device, driver or trainer revision than the baseline, or on several (${new Set(measured.map(environmentKey)).size} in all): do not compare speed and memory.`,
        ]
      : []),
  ];
}

function evaluationNotes(groups: readonly CellGroup[], rows: readonly ComparisonRow[]): string[] {
  const keys = new Set(groups.flatMap((group) => group.measured.map(evaluationKey)));
  const error = mean(rows.flatMap((row) => (row.lossStandardError === null ? [] : [row.lossStandardError])));
  return [
    ...(keys.size > 1
      ? [`Held-out text was cut into ${keys.size} different sets of tokens: losses are comparable only within one.`]
      : []),
    ...(error === null
      ? []
      : [
          `The held-out text itself limits every loss to about ± ${significant(error)} (standard error); all cells were scored on the same tokens.`,
        ].filter(() => keys.size === 1)),
  ];
}

function resumeNotes(groups: readonly CellGroup[]): string[] {
  const resumed = groups
    .flatMap((group) => group.measured)
    .filter(({ result }) => result.training.resumedFromStep !== null).length;
  if (resumed === 0) return [];
  return [
    `${counted(resumed, 'trial')} resumed from a checkpoint: speed is that of the last part, trial time is not given.`,
  ];
}

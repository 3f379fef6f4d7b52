/** *Tasks*: questions of task files, answered by the model as cut and as trained. */
import type { TaskResult } from '../contract/result.ts';
import { mean } from '../measures/measures.ts';
import type { CellGroup, MeasuredTrial } from './input.ts';
import { estimate, pairedDifference } from './statistics.ts';
import type { ComparisonRow, TaskRow } from './types.ts';

/**
 * One row per cell, task and metric, in the order of the training matrix and of the task files. Results of files
 * or data of other content, and of other numbers of questions or examples, do not share a row.
 */
export function tasksTable(groups: readonly CellGroup[], rows: readonly ComparisonRow[]): TaskRow[] {
  const byId = new Map(groups.map((group) => [group.cell.id, group]));
  return rows.flatMap((row) => {
    const measured = byId.get(row.cellId)?.measured ?? [];
    const kinds = new Map(measured.flatMap(({ result }) => result.tasks ?? []).map((one) => [kind(one), one]));
    return [...kinds.values()].map((one) => taskRow(row, measured, one));
  });
}

function kind({ task, version, metric, samples, fewShot, fileSha256, dataSha256 }: TaskResult): string {
  return JSON.stringify([task, version, metric, samples, fewShot, fileSha256, dataSha256]);
}

function taskRow(row: ComparisonRow, measured: readonly MeasuredTrial[], of: TaskResult): TaskRow {
  const pairs = measured.map(({ result }) => {
    const own = (result.tasks ?? []).filter((one) => kind(one) === kind(of));
    return { raw: own.find(({ stage }) => stage === 'raw'), trained: own.find(({ stage }) => stage === 'trained') };
  });
  const trained = pairs.flatMap((pair) => pair.trained ?? []);
  return {
    cellId: row.cellId,
    label: row.label,
    task: of.task,
    version: of.version,
    metric: of.metric,
    higherIsBetter: of.higherIsBetter,
    samples: of.samples,
    fewShot: of.fewShot,
    raw: estimate(pairs.flatMap(({ raw }) => raw?.value ?? [])),
    trained: estimate(trained.map(({ value }) => value)),
    gain: pairedDifference(pairs.flatMap(({ raw, trained: after }) => (raw && after ? [after.value - raw.value] : []))),
    standardError: mean(trained.flatMap(({ standardError }) => standardError ?? [])),
  };
}

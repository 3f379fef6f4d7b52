/** The tables of docs/guide/memory.md. */
import { choosePlan } from '../choose.ts';
import { COMMON_CLASSES } from '../classes.ts';
import { estimateMemory } from '../estimate.ts';
import type { MemorySettings } from '../settings.ts';
import type { ModelShape } from '../shape.ts';
import { median } from '../statistics.ts';
import type { PublishedError } from './errors.ts';

/** Error by source, then row by row. */
export function errorTables(errors: readonly PublishedError[]): string {
  const judged = errors.filter(({ publication }) => publication.notJudged === null);
  const bySource = Map.groupBy(judged, ({ publication }) => publication.source);
  const divided = (several: boolean) => judged.filter(({ publication }) => publication.settings.shards > 1 === several);
  const groups = [
    ...bySource,
    ['**one GPU**', divided(false)] as const,
    ['**several GPUs (FSDP)**', divided(true)] as const,
    ['**all**', judged] as const,
  ];
  const summary = groups.map(([source, rows]) => {
    const sizes = rows.map(({ error }) => Math.abs(error));
    const lowest = Math.min(...rows.map(({ error }) => error));
    const highest = Math.max(...rows.map(({ error }) => error));
    return `| ${source} | ${rows.length} | ${share(median(sizes))} | ${signed(lowest)} | ${signed(highest)} |`;
  });
  const rows = errors.map(({ publication, estimatedBytes, error }) => {
    const { id, when, counter, measuredBytes, assumed, notJudged } = publication;
    const note = [
      assumed === null ? null : `assumed: ${assumed}`,
      notJudged === null ? null : `not counted: ${notJudged}`,
    ];
    const figures = `${gb(measuredBytes)} | ${gb(estimatedBytes)} | ${signed(error)}`;
    return `| ${id} | ${when}, ${counter} | ${figures} | ${note.filter((part) => part !== null).join('; ')} |`;
  });
  return [
    '| source | rows | median error | lowest | highest |',
    '|---|---:|---:|---:|---:|',
    ...summary,
    '',
    '| row | what was measured | measured GB | estimated GB | error | |',
    '|---|---|---:|---:|---:|---|',
    ...rows,
    '',
  ].join('\n');
}

export interface FitRow {
  readonly name: string;
  readonly settings: MemorySettings;
  /** Numbers of GPUs that it may be divided over. */
  readonly counts: readonly number[];
}

/** Whether each row fits each class: as asked, with another plan, divided over several GPUs, or not at all. */
export function fitTable(shape: ModelShape, rows: readonly FitRow[]): string {
  const lines = rows.map(({ name, settings, counts }) => {
    const { processBytes } = estimateMemory(shape, settings).peak;
    const cells = COMMON_CLASSES.map((gpuClass) => {
      const choice = choosePlan(shape, settings, [gpuClass], { counts });
      if (!choice.fits) return 'no';
      const { gpus, microBatch, checkpointing } = choice.plan;
      const changes = [
        gpus > 1 ? `${gpus} GPUs` : null,
        microBatch === settings.microBatch ? null : `micro-batch ${microBatch}`,
        checkpointing && !settings.checkpointing ? 'checkpointing' : null,
      ].filter((change) => change !== null);
      return changes.length === 0 ? '**yes**' : changes.join(', ');
    });
    return `| ${name} | ${(processBytes / 2 ** 30).toFixed(1)} | ${cells.join(' | ')} |`;
  });
  return [
    `| | peak, GiB | ${COMMON_CLASSES.map(({ name }) => name).join(' | ')} |`,
    `|---|---:|${COMMON_CLASSES.map(() => '---').join('|')}|`,
    ...lines,
    '',
  ].join('\n');
}

function gb(bytes: number): string {
  return (bytes / 1e9).toFixed(2);
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${share(Math.abs(value))}`;
}

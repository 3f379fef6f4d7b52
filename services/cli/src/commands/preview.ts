import type { PreviewView } from '@lamina/domain/contract/api.ts';
import { defineCommand, writeJson } from '../command.ts';
import { readDocument } from '../document.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { durationText, previewForecastText } from '../format/forecast.ts';
import { planText } from '../format/plan.ts';
import { table } from '../format/table.ts';
import { counted, shortened, wrapped } from '../format/text.ts';
import type { Io } from '../io.ts';
import { documentOptions, fileOf } from './document-options.ts';
import { changesOf } from './submit.ts';

export const preview = defineCommand({
  command: 'preview [file]',
  describe: 'show what a document would run, without running it',
  builder: (options) =>
    documentOptions(options).option('reuse', {
      type: 'boolean',
      default: true,
      describe: 'count results of identical trials as done',
    }),
  run: async ({ file, f, set, seeds, reuse }, { io, client, json }) => {
    const source = await readDocument(io, fileOf(file, f), changesOf(set, seeds));
    const view = await client.preview({ ...source, reuse });
    if (json) writeJson(io, view);
    else io.out(previewText(view, io));
    return EXIT_CODES.ok;
  },
});

const LABEL = 52;

export function previewText(view: PreviewView, { color, columns, now }: Pick<Io, 'color' | 'columns' | 'now'>): string {
  const width = columns();
  const placed = view.cells.some(({ plan }) => plan.gpuClass !== null);
  const rows = view.cells.map((cell) => [
    `${shortened(cell.label, LABEL)}${cell.id === view.baselineCellId ? ' *' : ''}`,
    seedText(cell.seeds),
    durationText(cell.duration),
    ...(placed ? [planText(cell.plan)] : []),
    cell.reused === 0 ? '' : `${cell.reused} of ${cell.seeds.length} reused`,
  ]);
  const toRun = view.trials - view.reused;
  const parts = [
    `${color.bold(view.name)}: ${counted(view.trials, 'trial')} in ${counted(view.cells.length, 'cell')}, ${toRun} to run${view.reused > 0 ? `, ${view.reused} reused` : ''}${view.suggestions > 0 ? `, and up to ${view.suggestions} more that the search suggests` : ''}`,
    table(
      [
        { title: color.dim('cell') },
        { title: color.dim('seeds') },
        { title: color.dim('time a trial') },
        ...(placed ? [{ title: color.dim('runs on') }] : []),
        { title: '' },
      ],
      rows,
    ),
    ...(view.baselineCellId === null ? [] : [color.dim('* baseline')]),
    ...(view.forecast === null ? [] : [wrapped(previewForecastText(view.forecast, now()), width)]),
    ...(view.dropped.length === 0 ? [] : [droppedText(view.dropped, width, color)]),
    ...view.warnings.map((warning) => color.yellow(wrapped(`! ${warning}`, width))),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Dropped cells, those with the same explanation together. */
export function droppedText(dropped: PreviewView['dropped'], width: number, color: Io['color']): string {
  const byMessage = Map.groupBy(dropped, ({ message }) => message);
  const items = [...byMessage].flatMap(([message, cells]) => [
    wrapped(cells.map(({ label }) => label).join('; '), width, '  '),
    color.dim(wrapped(message, width, '    ')),
  ]);
  return [`Left out (${counted(dropped.length, 'combination')})`, ...items].join('\n');
}

function seedText(seeds: readonly number[]): string {
  return seeds.length <= 8 ? seeds.join(', ') : `${seeds.slice(0, 6).join(', ')}, … (${seeds.length})`;
}

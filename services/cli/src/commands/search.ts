import type { SearchView, StudyView, SuggestionView } from '@lamina/domain/contract/search-view.ts';
import { defineCommand, writeJson } from '../command.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { experimentArgument, experimentId } from '../experiment-argument.ts';
import { table } from '../format/table.ts';
import { shortened, wrapped } from '../format/text.ts';
import type { Io } from '../io.ts';

const MESSAGE = 60;
const DIGITS = 4;

export const search = defineCommand({
  command: 'search [experiment]',
  describe: 'show what a search has suggested, and what came of it',
  builder: (options) =>
    experimentArgument(options)
      .option('study', { type: 'string', requiresArg: true, describe: 'only of the study with this key' })
      .option('limit', { alias: 'n', type: 'number', requiresArg: true, default: 100, describe: 'at most so many' })
      .option('cursor', { type: 'string', requiresArg: true, describe: 'go on where an earlier list ended' }),
  run: async ({ experiment, study, limit, cursor }, { io, client, json }) => {
    const view = await client.search(await experimentId(client, experiment), { study, limit, cursor });
    if (json) writeJson(io, view);
    else io.out(searchText(view, io));
    return EXIT_CODES.ok;
  },
});

export function searchText(
  { studies, suggestions }: SearchView,
  { color, columns }: Pick<Io, 'color' | 'columns'>,
): string {
  if (studies.length === 0) return 'This experiment has no search.\n';
  const byStudy = Map.groupBy(suggestions.items, ({ studyKey }) => studyKey);
  const parts = studies.flatMap((study) => {
    const items = byStudy.get(study.key) ?? [];
    return [headingOf(study, columns(), color), ...(items.length === 0 ? [] : [tableOf(study, items, color)])];
  });
  const more = suggestions.nextCursor;
  if (more !== null) parts.push(color.dim(`more: lamina search --cursor ${more}`));
  return `${parts.join('\n\n')}\n`;
}

function headingOf(study: StudyView, width: number, color: Io['color']): string {
  const { complete = 0, pruned = 0, failed = 0, waiting = 0, running = 0 } = study.counts;
  const counts = [
    `${complete + pruned + failed} of ${study.trials} suggestions ended`,
    ...(pruned > 0 ? [`${pruned} pruned`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(running + waiting > 0 ? [`${running} running`, `${waiting} waiting`] : []),
  ];
  const how = study.pruner === null ? study.sampler : `${study.sampler}, ${study.pruner} pruner`;
  const state = study.state === 'closed' ? '' : ` · ${study.state}`;
  const lines = [`${color.bold(study.label)} (${how})${state}: ${counts.join(', ')}`];
  if (study.message !== null) lines.push(color.red(wrapped(study.message, width)));
  return lines.join('\n');
}

function tableOf(study: StudyView, items: readonly SuggestionView[], color: Io['color']): string {
  const paths = Object.keys(study.parameters);
  const best = new Set(study.best.map(({ number }) => number));
  const right = (title: string) => ({ title: color.dim(title), align: 'right' as const });
  return table(
    [right('#'), ...paths.map(right), ...study.objectives.map(right), { title: color.dim('state') }, { title: '' }],
    items.map((one) => [
      `${one.number}${best.has(one.number) ? ' *' : ''}`,
      ...paths.map((path) => valueText(one.parameters[path])),
      ...study.objectives.map((_, index) => valueText(one.values?.[index])),
      one.state,
      shortened(one.message ?? '', MESSAGE),
    ]),
  );
}

function valueText(value: string | number | boolean | undefined): string {
  if (value === undefined) return '–';
  return typeof value === 'number' && !Number.isInteger(value)
    ? String(Number(value.toPrecision(DIGITS)))
    : String(value);
}

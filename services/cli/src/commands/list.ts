import type { ExperimentView } from '@lamina/domain/contract/api.ts';
import { EXPERIMENT_STATES, trialHasEnded } from '@lamina/domain/vocabulary/states.ts';
import { defineCommand, writeJson } from '../command.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { bar } from '../format/bar.ts';
import { table } from '../format/table.ts';
import { shortened } from '../format/text.ts';
import { ago, duration, elapsed } from '../format/time.ts';
import type { Io } from '../io.ts';
import { hasEnded } from '../progress/state.ts';
import { stateColor } from '../progress/words.ts';

export const list = defineCommand({
  command: ['list', 'ls'],
  describe: 'list experiments, newest first',
  builder: (options) =>
    options
      .option('state', { choices: EXPERIMENT_STATES, describe: 'only those in this state' })
      .option('name', { type: 'string', requiresArg: true, describe: 'only those whose name contains this' })
      .option('limit', { alias: 'n', type: 'number', requiresArg: true, default: 20, describe: 'at most so many' })
      .option('cursor', { type: 'string', requiresArg: true, describe: 'go on where an earlier list ended' }),
  run: async ({ state, name, limit, cursor }, { io, client, json }) => {
    const page = await client.list({ limit, cursor, state, name });
    if (json) writeJson(io, page);
    else io.out(listText(page.items, page.nextCursor, io));
    return EXIT_CODES.ok;
  },
});

export function listText(
  experiments: readonly ExperimentView[],
  nextCursor: string | null,
  { color, now }: Pick<Io, 'color' | 'now'>,
): string {
  if (experiments.length === 0) return 'No experiments. Start one: lamina submit FILE\n';
  const rows = experiments.map((experiment) => {
    const ended = endedTrials(experiment);
    const spent = elapsed(experiment.startedAt, experiment.endedAt, now());
    return [
      experiment.id,
      shortened(experiment.name, 30),
      `${stateColor(experiment.state, color)}${experiment.blocked === null ? '' : color.red(', blocked')}`,
      `${bar(experiment.total === 0 ? 0 : ended / experiment.total, 8)} ${ended}/${experiment.total}`,
      ago(experiment.createdAt, now()),
      spent === null ? '–' : `${duration(Math.round(spent))}${hasEnded(experiment) ? '' : ' …'}`,
    ];
  });
  const titles = ['id', 'name', 'state', 'trials', 'submitted', 'took'].map((title) => ({ title: color.dim(title) }));
  const more = nextCursor === null ? '' : `${color.dim(`more: lamina list --cursor ${nextCursor}`)}\n`;
  return `${table(titles, rows)}\n${more}`;
}

function endedTrials({ counts }: ExperimentView): number {
  let ended = 0;
  for (const [state, count] of Object.entries(counts)) if (trialHasEnded(state as keyof typeof counts)) ended += count;
  return ended;
}

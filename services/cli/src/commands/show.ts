import type { ExperimentDetail, TrialView } from '@lamina/domain/contract/api.ts';
import { blockedText } from '@lamina/domain/contract/blocked-text.ts';
import { defineCommand, writeJson } from '../command.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { experimentArgument, experimentId } from '../experiment-argument.ts';
import { accuracyText, endText } from '../format/forecast.ts';
import { generationText } from '../format/generation.ts';
import { table } from '../format/table.ts';
import { counted, shortened, shortId, wrapped } from '../format/text.ts';
import { ago, duration, elapsed, lasting } from '../format/time.ts';
import type { Io } from '../io.ts';
import { hasEnded } from '../progress/state.ts';
import { stateColor, waitingText } from '../progress/words.ts';
import { droppedText } from './preview.ts';

export const show = defineCommand({
  command: 'show [experiment]',
  describe: 'show an experiment and its trials',
  builder: (options) => experimentArgument(options),
  run: async ({ experiment }, { io, client, json }) => {
    const id = await experimentId(client, experiment);
    const [detail, trials] = await Promise.all([client.show(id), client.trials(id)]);
    if (json) writeJson(io, { ...detail, trials });
    else io.out(showText(detail, trials, io));
    return EXIT_CODES.ok;
  },
});

const LABEL = 40;
const MOST_MESSAGES = 10;

export function showText(
  experiment: ExperimentDetail,
  trials: readonly TrialView[],
  { color, columns, now }: Pick<Io, 'color' | 'columns' | 'now'>,
): string {
  const width = Math.min(columns(), 100);
  const spent = elapsed(experiment.startedAt, experiment.endedAt, now());
  const facts = [
    `submitted ${ago(experiment.createdAt, now())}`,
    ...(spent === null ? [] : [`${hasEnded(experiment) ? 'took' : 'running for'} ${duration(Math.round(spent))}`]),
    ...(experiment.forecast === null || hasEnded(experiment) ? [] : [endText(experiment.forecast, now())]),
  ];
  const rows = trials.map((trial) => [
    shortId(trial.id),
    shortened(trial.label, LABEL),
    String(trial.seed),
    stateColor(trial.state, color),
    String(trial.attempts),
    trial.trained === null ? '–' : trial.trained.loss.toFixed(3),
    trial.tokensPerSecond === null ? '–' : trial.tokensPerSecond.toFixed(0),
  ]);
  const messages = trials.filter(
    ({ message, waiting, state }) => (waiting ?? message) !== null && state !== 'succeeded' && state !== 'reused',
  );
  const parts = [
    `${color.bold(experiment.name)}  ${stateColor(experiment.state, color)}  ${color.dim(experiment.id)}\n${facts.join(', ')}${
      experiment.forecast?.end == null
        ? ''
        : `\n${color.dim(wrapped(accuracyText(experiment.forecast.pastError), width))}`
    }`,
    ...(experiment.blocked === null
      ? []
      : [color.red(wrapped(blockedText(experiment.blocked, lasting(experiment.blocked.since, now())), width))]),
    ...(experiment.preparation == null ? [] : [wrapped(generationText(experiment.preparation), width)]),
    table(
      [
        { title: color.dim('trial') },
        { title: color.dim('cell') },
        { title: color.dim('seed'), align: 'right' },
        { title: color.dim('state') },
        { title: color.dim('attempts'), align: 'right' },
        { title: color.dim('loss'), align: 'right' },
        { title: color.dim('tokens/s'), align: 'right' },
      ],
      rows,
    ),
    ...(messages.length === 0 ? [] : [messagesText(messages, width, color)]),
    ...(experiment.dropped.length === 0 ? [] : [droppedText(experiment.dropped, width, color)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function messagesText(trials: readonly TrialView[], width: number, color: Io['color']): string {
  const byText = Map.groupBy(trials, ({ message, waiting }) =>
    waiting === null ? (message ?? '') : waitingText(waiting),
  );
  const told = [...byText].slice(0, MOST_MESSAGES);
  const shown = told.flatMap(([text, [first, ...others]]) => {
    const further = others.length === 0 ? '' : ` and ${counted(others.length, 'more trial')}`;
    const who = first === undefined ? '' : `${shortId(first.id)}  ${shortened(first.label, LABEL)}, seed ${first.seed}`;
    return [`  ${who}${further}`, color.dim(wrapped(text, width, '    '))];
  });
  const hidden = trials.length - told.reduce((count, [, group]) => count + group.length, 0);
  return [
    'What they wait for, and what happened',
    ...shown,
    ...(hidden > 0 ? [`  … and ${counted(hidden, 'more trial')}`] : []),
  ].join('\n');
}

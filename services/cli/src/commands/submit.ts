import { type Context, defineCommand, writeJson } from '../command.ts';
import { printComparison } from '../comparison.ts';
import { readDocument, seedList } from '../document.ts';
import { usageError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { counted, wrapped } from '../format/text.ts';
import { exitCodeOf, watchExperiment } from '../watch.ts';
import { documentOptions, fileOf } from './document-options.ts';
import { watchAsJson } from './watch.ts';

export const submit = defineCommand({
  command: ['submit [file]'],
  describe: 'start an experiment from a document',
  builder: (options) =>
    documentOptions(options)
      .option('watch', { alias: 'w', type: 'boolean', default: false, describe: 'follow it, then show the comparison' })
      .option('reuse', {
        type: 'boolean',
        default: true,
        describe: 'take over results of identical trials; --no-reuse measures them again',
      })
      .option('idempotency-key', {
        type: 'string',
        requiresArg: true,
        describe: 'the same key submits only once, however often it is sent',
      }),
  run: async ({ file, f, set, seeds, reuse, idempotencyKey, watch }, context) => {
    const { io, client, json } = context;
    const source = await readDocument(io, fileOf(file, f), changesOf(set, seeds));
    if (idempotencyKey === '') throw usageError('--idempotency-key is empty');
    const experiment = await client.submit({ ...source, reuse }, idempotencyKey);
    if (!watch) {
      if (json) writeJson(io, experiment);
      else io.out(`${submittedText(experiment, context)}${io.color.dim(`follow it: lamina watch ${experiment.id}`)}\n`);
      return EXIT_CODES.ok;
    }
    if (!json) io.err(submittedText(experiment, context));
    return watchToEnd(experiment.id, context);
  },
});

export function changesOf(set: readonly string[], seeds: string | undefined): string[] {
  return seeds === undefined ? [...set] : [...set, `matrix.seed=[${seedList(seeds).join()}]`];
}

async function watchToEnd(id: string, context: Context): Promise<ExitCode> {
  const { client, io, json } = context;
  if (json) return watchAsJson(id, context);
  const ended = await watchExperiment(client, id, io);
  const code = exitCodeOf(ended);
  if (code !== EXIT_CODES.interrupted) {
    io.out('\n');
    printComparison(await client.comparison(id), io);
  }
  return code;
}

type Submitted = Pick<
  Awaited<ReturnType<Context['client']['submit']>>,
  'id' | 'name' | 'total' | 'counts' | 'dropped' | 'cellList'
>;

function submittedText({ id, name, total, counts, dropped, cellList }: Submitted, { io }: Context): string {
  const reused = counts.reused ?? 0;
  const facts = [
    `${counted(total, 'trial')} in ${counted(cellList.length, 'cell')}`,
    ...(reused > 0 ? [`${reused} reused from earlier experiments`] : []),
    ...(dropped.length > 0 ? [`${counted(dropped.length, 'combination')} left out (lamina show tells why)`] : []),
  ];
  const { color } = io;
  return `${color.bold(name)}  ${id}\n${wrapped(facts.join(', '), io.columns())}\n`;
}

import { type Context, defineCommand } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { experimentArgument, experimentId } from '../experiment-argument.ts';
import { stateColor } from '../progress/words.ts';
import { exitCodeOf, watchExperiment } from '../watch.ts';

export const watch = defineCommand({
  command: 'watch [experiment]',
  describe: 'follow an experiment until it has ended',
  builder: (options) => experimentArgument(options),
  run: async ({ experiment }, context) => {
    const { io, client, json } = context;
    const id = await experimentId(client, experiment);
    if (json) return watchAsJson(id, context);
    const ended = await watchExperiment(client, id, io);
    const code = exitCodeOf(ended);
    if (code === EXIT_CODES.interrupted) {
      io.err(`\nstopped watching; the experiment goes on. Again: lamina watch ${id}\n`);
    } else {
      io.out(`${ended.name} ${stateColor(ended.state, io.color)}. Results: lamina compare ${id}\n`);
    }
    return code;
  },
});

/** One line of JSON per event, and the experiment as it ended as the last. */
export async function watchAsJson(id: string, { client, io }: Context): Promise<ExitCode> {
  const line = (value: unknown): void => io.out(`${JSON.stringify(value)}\n`);
  const ended = await watchExperiment(client, id, io, {
    onEvent: ({ id: eventId, event }) => line({ id: eventId, ...event }),
  });
  line({ type: 'end', data: ended });
  return exitCodeOf(ended);
}

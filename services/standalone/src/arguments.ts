import { parseArgs } from 'node:util';

export interface StartArguments {
  /** The document to run; null: only serve. */
  readonly file: string | null;
  /** In place of the document's own seeds. */
  readonly seeds: readonly number[] | null;
  /** End after the comparison. */
  readonly once: boolean;
  readonly port: number | null;
}

export class UsageError extends Error {
  override name = 'UsageError';
}

export const USAGE = `npm start -- [options]
  --file FILE     run this document instead of examples/quickstart.yaml
  --seeds 3,4     run it with these seeds instead of its own
  --once          end after the comparison: code 0, or 1 if a trial failed
  --no-run        only serve the API and the dashboard
  --port PORT     instead of LAMINA_PORT or 7070`;

/** @throws UsageError */
export function parseArguments(args: readonly string[], quickstart: string): StartArguments {
  const values = parse(args);
  if (values.help) throw new UsageError(USAGE);
  const once = values.once ?? false;
  const run = !(values['no-run'] ?? false);
  if (!run && once) throw new UsageError(`--once and --no-run together leave nothing to do.\n${USAGE}`);
  return {
    file: run ? (values.file ?? quickstart) : null,
    seeds: values.seeds === undefined ? null : values.seeds.split(',').map((seed) => whole('--seeds', seed)),
    once,
    port: values.port === undefined ? null : whole('--port', values.port),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        file: { type: 'string' },
        seeds: { type: 'string' },
        once: { type: 'boolean' },
        'no-run': { type: 'boolean' },
        port: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

function whole(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text.trim())) throw new UsageError(`${option}: "${text}" is not a whole number.\n${USAGE}`);
  return Number(text);
}

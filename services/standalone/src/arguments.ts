import { parseArgs } from 'node:util';

export interface StartArguments {
  /** The document to run; null: only serve. */
  readonly file: string | null;
  /** In place of the document's own seeds. */
  readonly seeds: readonly number[] | null;
  /** End after the comparison. */
  readonly once: boolean;
  /** What options say in place of variables. */
  readonly variables: Readonly<Record<string, string>>;
}

export class UsageError extends Error {
  override name = 'UsageError';
}

export const USAGE = `npm start -- [options]
  --file FILE     run this document instead of examples/quickstart.yaml
  --seeds 3,4     run it with these seeds instead of its own
  --once          end after the comparison: code 0, or 1 if a trial failed
  --no-run        only serve the API and the dashboard
  --port PORT     instead of LAMINA_PORT or 7070
  --runner NAME   local (processes of this machine) or kubernetes (Jobs of a cluster)
  --cluster FILE  the cluster's settings, see examples/kubernetes.yaml
  --kubeconfig FILE
                  instead of KUBECONFIG, ~/.kube/config, or the pod's service account`;

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
    variables: Object.fromEntries(
      Object.entries({
        LAMINA_PORT: values.port === undefined ? undefined : String(whole('--port', values.port)),
        LAMINA_RUNNER: values.runner ?? (values.cluster === undefined ? undefined : 'kubernetes'),
        LAMINA_CLUSTER: values.cluster,
        LAMINA_KUBECONFIG: values.kubeconfig,
      }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
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
        runner: { type: 'string' },
        cluster: { type: 'string' },
        kubeconfig: { type: 'string' },
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

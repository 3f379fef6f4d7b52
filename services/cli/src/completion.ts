import { createClient } from './client.ts';
import type { Io } from './io.ts';
import { serverUrl } from './server-url.ts';

/** How the completion script asks: this, then the words of the line so far, the last one unfinished. */
const ASKED = '--get-yargs-completions';
/** Commands whose first argument is an experiment. */
const ABOUT_ONE = ['show', 'watch', 'compare', 'logs', 'pause', 'resume', 'cancel', 'retry', 'extend'];
/** Pressing Tab must not hang where no server answers. */
const PATIENCE_MS = 700;
const NEWEST = 30;

/** The newest experiments where one is to be named; null where yargs itself knows what may follow. */
export async function experimentCompletions(argv: readonly string[], io: Io): Promise<readonly string[] | null> {
  const [asked, _program, command, ...rest] = argv;
  const current = rest.at(-1);
  const isFirst = rest.slice(0, -1).every((word) => word.startsWith('-'));
  if (asked !== ASKED || current === undefined || current.startsWith('-') || !isFirst) return null;
  if (command === undefined || !ABOUT_ONE.includes(command)) return null;
  const listed = createClient(serverUrl(io.env))
    .list({ limit: NEWEST })
    .then(({ items }) => items.map(({ id }) => id))
    .catch(() => []);
  const patience = new Promise<readonly string[]>((resolve) => setTimeout(resolve, PATIENCE_MS, []).unref());
  const ids = await Promise.race([listed, patience]);
  return ['latest', ...ids].filter((id) => id.startsWith(current));
}

/** Everything of the outside world that a command may touch, so that tests can hand in their own. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Chalk, type ChalkInstance, type ColorSupportLevel, supportsColor } from 'chalk';
import { createLogUpdate } from 'log-update';

/** A region at the end of the terminal that is drawn again and again. */
export interface Screen {
  draw(text: string): void;
  /** Leaves what was drawn last and goes on below it. */
  done(): void;
}

export interface Io {
  /** Results: standard output, as it is. */
  readonly out: (text: string) => void;
  /** Messages: standard error. */
  readonly err: (text: string) => void;
  /** Standard output is a terminal: draw, do not append. */
  readonly interactive: boolean;
  readonly columns: () => number;
  readonly rows: () => number;
  readonly color: ChalkInstance;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Content of a file, or of standard input for "-". */
  readonly read: (path: string) => Promise<string>;
  readonly now: () => number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly screen: () => Screen;
}

const WIDTH_WITHOUT_TERMINAL = 100;
const HEIGHT_WITHOUT_TERMINAL = 40;

export function processIo(signal: AbortSignal): Io {
  const { stdout, stderr, stdin, env } = process;
  return {
    out: (chunk) => void stdout.write(chunk),
    err: (chunk) => void stderr.write(chunk),
    interactive: stdout.isTTY === true && env['TERM'] !== 'dumb',
    columns: () => stdout.columns ?? WIDTH_WITHOUT_TERMINAL,
    rows: () => stdout.rows ?? HEIGHT_WITHOUT_TERMINAL,
    color: new Chalk({ level: colorLevel(env) }),
    env,
    cwd: process.cwd(),
    read: (path) => (path === '-' ? text(stdin) : readFile(path, 'utf8')),
    now: Date.now,
    signal,
    screen: () => {
      const update = createLogUpdate(stdout);
      return { draw: (lines) => update(lines), done: () => update.done() };
    },
  };
}

/** https://no-color.org: any value that is not empty turns colours off, whatever the terminal can do. */
function colorLevel(env: Io['env']): ColorSupportLevel {
  if (env['NO_COLOR']) return 0;
  return supportsColor === false ? 0 : supportsColor.level;
}

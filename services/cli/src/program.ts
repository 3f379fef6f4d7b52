/** The command line: options, commands, help. */
import yargs, { type Argv } from 'yargs';
import manifest from '../package.json' with { type: 'json' };
import { createClient } from './client.ts';
import type { Context, GlobalOptions } from './command.ts';
import { compare } from './commands/compare.ts';
import { cancel, extend, pause, resume, retry } from './commands/control.ts';
import { data } from './commands/data.ts';
import { estimate } from './commands/estimate.ts';
import { gpus } from './commands/gpus.ts';
import { importCommand } from './commands/import.ts';
import { list } from './commands/list.ts';
import { logs } from './commands/logs.ts';
import { preview } from './commands/preview.ts';
import { search } from './commands/search.ts';
import { show } from './commands/show.ts';
import { submit } from './commands/submit.ts';
import { up } from './commands/up.ts';
import { watch } from './commands/watch.ts';
import { usageError } from './errors.ts';
import { type ExitCode, exitCodeList } from './exit-codes.ts';
import type { Io } from './io.ts';
import { DEFAULT_URL, serverUrl } from './server-url.ts';

const HELP_WIDTH = 100;
const COMMANDS = [
  submit,
  preview,
  estimate,
  importCommand,
  data,
  list,
  gpus,
  show,
  watch,
  compare,
  search,
  logs,
  pause,
  resume,
  cancel,
  retry,
  extend,
  up,
];

/** yargs' own messages, for people. */
const PLAIN_WORDS = {
  'Did you mean %s?': 'there is no such command; did you mean "%s"?',
  'Invalid values:': 'not one of the choices:',
  'Argument: %s, Given: %s, Choices: %s': '--%s is %s; choose from %s',
  'Not enough non-option arguments: got %s, need at least %s': {
    one: 'an argument is missing: got %s, need %s',
    other: 'arguments are missing: got %s, need %s',
  },
  'Unknown argument: %s': { one: 'there is no option or argument "%s"', other: 'there are no options "%s"' },
  'Unknown command: %s': { one: 'there is no command "%s"', other: 'there are no commands "%s"' },
  'Not enough arguments following: %s': '--%s needs a value',
  'Missing argument value: %s': { one: '--%s needs a value', other: 'these need a value: %s' },
  'Missing required argument: %s': { one: '--%s is needed', other: 'needed: %s' },
};

export function createProgram(io: Io, finish: (code: ExitCode) => void): Argv<GlobalOptions> {
  const program: Argv<GlobalOptions> = yargs()
    .scriptName('lamina')
    .usage('$0 COMMAND\n\nWhich depth, at which precision, trained how? Answered with evidence.')
    .option('url', {
      type: 'string',
      requiresArg: true,
      default: serverUrl(io.env),
      defaultDescription: `LAMINA_URL, else ${DEFAULT_URL}`,
      describe: 'address of the server',
      global: true,
    })
    .option('json', { type: 'boolean', default: false, describe: 'answer as JSON on standard output', global: true })
    .version('version', 'print the version', manifest.version)
    .help('help', 'print this help')
    .alias('help', 'h')
    .epilogue(`Exit codes:\n${exitCodeList()}`)
    .wrap(Math.min(io.columns(), HELP_WIDTH))
    .completion('completion', 'print a script that completes commands in bash or zsh')
    // Its types leave out that some messages have a plural.
    .updateStrings(PLAIN_WORDS as unknown as Record<string, string>)
    .recommendCommands()
    .demandCommand(1, 1, 'which command? `lamina --help` lists them')
    .strict()
    .check((args) => {
      const twice = Object.keys(args).find((name) => Array.isArray(args[name]) && !repeatable(program).has(name));
      if (twice === undefined) return true;
      throw usageError(`${twice.length === 1 ? '-' : '--'}${twice} was given more than once`, 'give it once');
    })
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? usageError(message.replace(/\s*\n\s*/g, ' ').trim(), '`lamina --help` shows how');
    });
  const contextOf = ({ url, json }: GlobalOptions): Context => ({ io, client: createClient(url), json });
  return COMMANDS.reduce((chain, register) => register(chain, contextOf, finish), program);
}

/** Options that may be given several times, which yargs' types do not tell; `_` holds what is no option. */
function repeatable(program: unknown): ReadonlySet<string> {
  const { array } = (program as { getOptions(): { array: readonly string[] } }).getOptions();
  return new Set(['_', ...array]);
}

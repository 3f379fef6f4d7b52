/** The command line: options, commands, help. */
import yargs, { type Argv } from 'yargs';
import manifest from '../package.json' with { type: 'json' };
import { createClient } from './client.ts';
import type { Context, GlobalOptions } from './command.ts';
import { compare } from './commands/compare.ts';
import { cancel, extend, pause, resume, retry } from './commands/control.ts';
import { list } from './commands/list.ts';
import { logs } from './commands/logs.ts';
import { preview } from './commands/preview.ts';
import { show } from './commands/show.ts';
import { submit } from './commands/submit.ts';
import { up } from './commands/up.ts';
import { watch } from './commands/watch.ts';
import { usageError } from './errors.ts';
import { type ExitCode, exitCodeList } from './exit-codes.ts';
import type { Io } from './io.ts';

export const DEFAULT_URL = 'http://127.0.0.1:7070';
const HELP_WIDTH = 100;
const COMMANDS = [submit, preview, list, show, watch, compare, logs, pause, resume, cancel, retry, extend, up];

export function createProgram(io: Io, finish: (code: ExitCode) => void): Argv<GlobalOptions> {
  const program: Argv<GlobalOptions> = yargs()
    .scriptName('lamina')
    .usage('$0 COMMAND\n\nWhich depth, at which precision, trained how? Answered with evidence.')
    .option('url', {
      type: 'string',
      default: io.env['LAMINA_URL'] || DEFAULT_URL,
      defaultDescription: `LAMINA_URL, else ${DEFAULT_URL}`,
      describe: 'address of the server',
      global: true,
    })
    .option('json', { type: 'boolean', default: false, describe: 'answer as JSON on standard output', global: true })
    .version(manifest.version)
    .help()
    .alias('help', 'h')
    .epilogue(`Exit codes:\n${exitCodeList()}`)
    .wrap(Math.min(io.columns(), HELP_WIDTH))
    .completion('completion', 'print a script that completes commands in bash or zsh')
    .recommendCommands()
    .demandCommand(1, 1, 'which command? `lamina --help` lists them')
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? usageError(message.split('\n')[0] ?? message, '`lamina --help` shows how');
    });
  const contextOf = ({ url, json }: GlobalOptions): Context => ({ io, client: createClient(url), json });
  return COMMANDS.reduce((chain, register) => register(chain, contextOf, finish), program);
}

/** What every command is made of. */
import type { ArgumentsCamelCase, Argv } from 'yargs';
import type { Client } from './client.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';

export interface GlobalOptions {
  readonly url: string;
  readonly json: boolean;
}

export interface Context {
  readonly io: Io;
  readonly client: Client;
  readonly json: boolean;
}

/** Adds a command to the program; `finish` gets the exit code once it has run. */
export type Registration = (
  program: Argv<GlobalOptions>,
  contextOf: (args: GlobalOptions) => Context,
  finish: (code: ExitCode) => void,
) => Argv<GlobalOptions>;

export interface CommandDefinition<T> {
  readonly command: string | readonly string[];
  readonly describe: string;
  readonly builder: (options: Argv<GlobalOptions>) => Argv<T>;
  readonly run: (args: ArgumentsCamelCase<T>, context: Context) => Promise<ExitCode>;
}

export function defineCommand<T extends GlobalOptions>(definition: CommandDefinition<T>): Registration {
  const { command, describe, builder, run } = definition;
  return (program, contextOf, finish) =>
    program.command({
      command,
      describe,
      builder,
      handler: async (args) => finish(await run(args, contextOf(args))),
    });
}

/** The answer as JSON, one document. */
export function writeJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value, null, 2)}\n`);
}

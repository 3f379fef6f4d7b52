import type { Argv } from 'yargs';
import type { GlobalOptions } from '../command.ts';
import { usageError } from '../errors.ts';

/**
 * What was given as a file. yargs reads "-" as true where the type of an argument is open, and where it is a text as an
 * empty one, which could also be an empty variable of the shell.
 */
export function fileArgument(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return value === true ? '-' : String(value);
}

/** Options of the commands that read a document. */
export function documentOptions(options: Argv<GlobalOptions>) {
  return options
    .positional('file', {
      describe: 'the document, YAML or JSON; "-" reads standard input',
      coerce: fileArgument,
    })
    .option('f', { alias: 'file-name', type: 'string', describe: 'the same, as an option' })
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: 'change a value before sending, e.g. --set training.steps=20 (repeatable)',
    })
    .option('seeds', {
      type: 'string',
      requiresArg: true,
      describe: 'seeds instead of those of the document, e.g. --seeds 3,4',
    });
}

export function fileOf(file: string | undefined, f: string | undefined): string {
  const name = file ?? f;
  if (name === undefined || name === '') throw usageError('which document?', 'name a file, or - for standard input');
  return name;
}

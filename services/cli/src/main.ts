/** `lamina`: the command line of Lamina. */
import { experimentCompletions } from './completion.ts';
import { CliError, ProblemError, usageError } from './errors.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { errorText } from './format/problem.ts';
import { type Io, processIo } from './io.ts';
import { createProgram } from './program.ts';

/** Runs one command; never throws. Results go to `io.out`, messages to `io.err`. */
export async function runCli(argv: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT_CODES.ok;
  try {
    const words = await experimentCompletions(argv, io);
    if (words !== null) {
      io.out(words.map((word) => `${word}\n`).join(''));
      return code;
    }
    const program = createProgram(io, (ended) => {
      code = ended;
    });
    await program.parseAsync([...argv], {}, (_error, _args, output) => {
      if (output) io.out(`${output}\n`);
    });
    return code;
  } catch (error) {
    return failed(error, argv.includes('--json'), io);
  }
}

/** Reads the process's arguments, sets its exit code. */
export async function main(): Promise<void> {
  const interrupt = new AbortController();
  // A second Ctrl-C ends at once, should the first not.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort(name));
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of a pipe has gone: nobody wants the rest.
    if (error.code === 'EPIPE') process.exit(EXIT_CODES.ok);
    throw error;
  });
  process.exitCode = await runCli(process.argv.slice(2), processIo(interrupt.signal));
}

function failed(error: unknown, json: boolean, io: Io): ExitCode {
  if (io.signal.aborted) return EXIT_CODES.interrupted;
  const known = error instanceof CliError ? error : isUsage(error) ? usageError(error.message) : unforeseen(error);
  if (json) io.out(`${JSON.stringify({ error: jsonOf(known) }, null, 2)}\n`);
  io.err(errorText(known, io.color, Math.min(io.columns(), 100)));
  return known.exitCode;
}

function jsonOf(error: CliError): object {
  if (error instanceof ProblemError) return error.problem;
  return { code: Object.entries(EXIT_CODES).find(([, code]) => code === error.exitCode)?.[0], detail: error.message };
}

/** yargs throws its own errors for values that it cannot read. */
function isUsage(error: unknown): error is Error {
  return error instanceof Error && error.name === 'YError';
}

function unforeseen(error: unknown): CliError {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CliError(`lamina failed unexpectedly: ${detail}`, EXIT_CODES.serverError, { cause: error });
}

import type { Problem } from '@lamina/domain/contract/api.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';

/** Ends the command with a message for people and an exit code for scripts. */
export class CliError extends Error {
  override name = 'CliError';
  readonly exitCode: ExitCode;
  /** What to do about it, where that is known. */
  readonly fix: string | null;

  constructor(message: string, exitCode: ExitCode, options: { fix?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = exitCode;
    this.fix = options.fix ?? null;
  }
}

/** The server refused a request and said why (RFC 9457). */
export class ProblemError extends CliError {
  override name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title, exitCodeOf(problem.status));
    this.problem = problem;
  }
}

export function usageError(message: string, fix?: string): CliError {
  return new CliError(message, EXIT_CODES.usage, fix === undefined ? {} : { fix });
}

function exitCodeOf(status: number): ExitCode {
  if (status === 404) return EXIT_CODES.notFound;
  if (status === 409) return EXIT_CODES.refused;
  return status < 500 ? EXIT_CODES.usage : EXIT_CODES.serverError;
}

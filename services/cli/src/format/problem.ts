import type { ChalkInstance } from 'chalk';
import { CliError, ProblemError } from '../errors.ts';
import { counted, wrapped } from './text.ts';

/** An error as a person reads it: what is wrong, and what to do. Mistakes of a document as path, message, fix. */
export function errorText(error: CliError, color: ChalkInstance, width: number): string {
  const mistakes = error instanceof ProblemError ? (error.problem.errors ?? []) : [];
  const headline =
    mistakes.length > 0 && error instanceof ProblemError
      ? error.problem.code === 'invalid-document'
        ? `the document has ${counted(mistakes.length, 'mistake')}`
        : error.problem.title
      : error.message;
  const lines = [`${color.red.bold('error')} ${wrapped(headline, width - 6)}`];
  for (const { path, message, fix } of mistakes) {
    lines.push('', `  ${color.bold(path === '' ? 'document' : path)}`, wrapped(message, width, '    '));
    if (fix !== undefined) lines.push(color.cyan(wrapped(`→ ${fix}`, width, '    ')));
  }
  if (error.fix !== null) lines.push(color.cyan(wrapped(`→ ${error.fix}`, width, '  ')));
  return `${lines.join('\n')}\n`;
}

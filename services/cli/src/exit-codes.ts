/** How `lamina` ends. Scripts may rely on these; `lamina --help` and docs/cli.md list them. */
export const EXIT_CODES = {
  ok: 0,
  trialFailed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  refused: 5,
  serverError: 6,
  cancelled: 7,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

export const EXIT_CODE_MEANINGS: Readonly<Record<keyof typeof EXIT_CODES, string>> = {
  ok: 'done',
  trialFailed: 'the experiment ended, and at least one of its trials failed',
  usage: 'wrong use, or a document with mistakes',
  unreachable: 'no Lamina server answers at the address',
  notFound: 'there is no such experiment, trial or file',
  refused: 'not possible in the present state',
  serverError: 'the server failed, or answered what this version does not understand',
  cancelled: 'the experiment was cancelled',
  interrupted: 'stopped watching with Ctrl-C; the experiment goes on',
};

/** One line per code, for `--help`. */
export function exitCodeList(): string {
  return Object.entries(EXIT_CODES)
    .map(([name, code]) => `  ${String(code).padStart(3)}  ${EXIT_CODE_MEANINGS[name as keyof typeof EXIT_CODES]}`)
    .join('\n');
}

/** Errors as people may read them: what happened and why, in one line, without secrets. */

const LONGEST = 500;
const CENSORED = '[redacted]';

/** What secrets look like where messages quote addresses, headers and settings. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${CENSORED}@`],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${CENSORED}`],
  [/\b(hf_|sk-|ghp_|glpat-)[\w-]{8,}/g, CENSORED],
  [/((?:password|passwd|pwd|secret|token|api[_-]?key)["']?\s*[=:]\s*["']?)[^\s"',;&]+/gi, `$1${CENSORED}`],
];

/** An error with the causes that it names, the outermost first. */
export function lastErrorText(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && at !== null; at = at instanceof Error ? causeOf(at) : null) {
    const text = messageOf(at);
    if (text !== '' && !parts.some((part) => part.includes(text))) parts.push(text);
  }
  return readable(parts.join(': '));
}

/** A message from elsewhere: in one line, without secrets, and not too long. */
export function readable(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  const censored = SECRETS.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
  if (censored === '') return 'an error without a message';
  return censored.length <= LONGEST ? censored : `${censored.slice(0, LONGEST - 1)}…`;
}

/** Connections that are refused at every address are one error with none of its own. */
function causeOf(error: Error): unknown {
  return error instanceof AggregateError ? (error.errors[0] as unknown) : error.cause;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message;
}

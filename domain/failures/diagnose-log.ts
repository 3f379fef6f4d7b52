import { FAILURE_CLASSES, FAILURES, type FailureClass, type Sign } from './registry.ts';

export interface LogFinding {
  readonly failureClass: FailureClass;
  /** The line that names the cause, as it stands in the log. */
  readonly line: string;
}

const PATTERNS = FAILURE_CLASSES.flatMap((failureClass) =>
  (FAILURES[failureClass].signs ?? []).map((sign) => ({ failureClass, pattern: new RegExp(patternOf(sign), 'i') })),
);

/** PyTorch warns of GPUs that a trial on the CPU never needed. NCCL's "WARN" is an error. */
const WARNING = /Warning:|\bWARNING\b/;

/**
 * What the last words of a crash name as its cause: the class that comes first in the registry, with its first line;
 * null where they name none. Lines that call themselves warnings are no cause. Both runners ask this. Pure.
 */
export function diagnoseLog(lines: readonly string[]): LogFinding | null {
  const candidates = lines.filter((line) => !WARNING.test(line));
  for (const { failureClass, pattern } of PATTERNS) {
    const line = candidates.find((one) => pattern.test(one));
    if (line !== undefined) return { failureClass, line };
  }
  return null;
}

/** The sign as a regular expression that JavaScript and Python read alike, for letters of any case. */
export function patternOf(sign: Sign): string {
  return typeof sign === 'string' ? sign.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : sign.pattern.source;
}

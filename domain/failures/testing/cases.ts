/** What is expected of every class, written apart from the registry. The trainer's tests read the same file. */
import type { FailureClass } from '../registry.ts';
import cases from './cases.json' with { type: 'json' };

export interface FailureCase {
  /** The trainer's exit code; null where the class has none. */
  readonly exit: number | null;
  /** After the first failure of a trial without a memory request. A strike is a retry that uses up an attempt. */
  readonly after: 'fail' | 'retry' | 'strike';
  /** Lines of a log, each of which alone has to be diagnosed as the class. */
  readonly lines: readonly string[];
}

export const FAILURE_CASES = cases as Readonly<Record<FailureClass, FailureCase>>;

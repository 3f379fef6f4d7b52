/** What others read of the registry: the trainer its exits, people the tables of docs/kubernetes/failures.md. */
import { patternOf } from './diagnose-log.ts';
import { EXIT_CODES, FAILURE_CLASSES, FAILURES, type PolicyName, type Sign } from './registry.ts';

/** The classes that the trainer can end with. One without an exit code of its own ends as `crashed`, with its words. */
export function trainerFailures() {
  return {
    exitCodes: EXIT_CODES,
    failures: FAILURE_CLASSES.flatMap((failureClass) => {
      const { exit, words, signs = [] } = FAILURES[failureClass];
      if (exit === undefined && signs.length === 0) return [];
      return [{ class: failureClass, exit: exit?.name ?? 'crashed', words, signs: signs.map(patternOf) }];
    }),
  };
}

/** Does a failure use up one of the user's `policy.attempts`? A dash where there is no further attempt. */
export const USES_UP_ATTEMPTS: Readonly<Record<PolicyName, 'yes' | 'no' | '–'>> = {
  fail: '–',
  'smaller-plan': 'no',
  'more-memory': 'no',
  'other-node': 'no',
  resume: 'no',
  'resume-once': 'yes',
  retry: 'yes',
};

export function failureTables(): Readonly<Record<string, string>> {
  const policies = FAILURE_CLASSES.map((one) => {
    const { guide, policy } = FAILURES[one];
    return [`\`${one}\``, guide.next, USES_UP_ATTEMPTS[policy]];
  });
  const signs = FAILURE_CLASSES.flatMap((one) => {
    const { exit, signs: known = [], guide } = FAILURES[one];
    if (exit?.conclusive !== true && known.length === 0) return [];
    const code = exit?.conclusive === true ? String(exit.code) : '–';
    return [[`\`${one}\``, code, known.map(nameOf).join('; ') || '–', guide.remedy ?? '–']];
  });
  return {
    'failure-policies': table(['class', 'next', 'uses up `policy.attempts`'], policies),
    'failure-signs': table(['class', "the trainer's code", 'or a line of its log names', 'what you can do'], signs),
  };
}

function nameOf(sign: Sign): string {
  return typeof sign === 'string' ? sign : sign.name;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return [...lines, ''].join('\n');
}

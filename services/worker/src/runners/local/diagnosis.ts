/** From what an ended attempt left behind to one diagnosis. Pure. */
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import type { TrialExit } from '@lamina/domain/contract/trial.ts';
import { diagnoseLog } from '@lamina/domain/failures/diagnose-log.ts';
import { concludedBy, EXIT_CODES, FAILURES } from '@lamina/domain/failures/registry.ts';

export type StopReason = 'requested' | 'deadline' | 'shutdown';

export interface Evidence {
  /** What the parent that waited for the process saw; null where none lived to see it. */
  readonly status: { readonly code: number | null; readonly signal: string | null } | null;
  readonly exit: TrialExit | null;
  readonly result: { readonly status: 'succeeded' | 'diverged' } | { readonly problem: string };
  readonly stop: StopReason | null;
  readonly deadlineSeconds: number | null;
  /** Did the kernel kill processes for lack of memory while the attempt ran? Null where it does not say. */
  readonly memoryKills: boolean | null;
  readonly logTail: string;
}

type Finding = Pick<AttemptEnd, 'outcome' | 'message' | 'exitCode' | 'subject'>;

export function diagnose(evidence: Evidence): Finding {
  const code = evidence.status === null ? (evidence.exit?.code ?? null) : evidence.status.code;
  const finding = (outcome: AttemptEnd['outcome'], message: string): Finding => ({ outcome, message, exitCode: code });

  if (code === EXIT_CODES.succeeded && 'status' in evidence.result) {
    return finding(evidence.result.status, evidence.result.status === 'succeeded' ? 'Measured.' : 'Training diverged.');
  }
  if (evidence.stop === 'deadline') {
    return finding('timed-out', `Stopped at its deadline of ${evidence.deadlineSeconds ?? '?'} s.`);
  }
  if (evidence.stop !== null) {
    return finding('disrupted', evidence.stop === 'shutdown' ? 'Stopped with the service.' : 'Stopped on request.');
  }
  if (code !== null) {
    const found = finding(...byCode(code, evidence));
    const subject = found.outcome === 'invalid' ? evidence.exit?.subject : null;
    return subject == null ? found : { ...found, subject };
  }
  if (evidence.status?.signal) return finding(...bySignal(evidence.status.signal, evidence));
  return finding('disrupted', 'The process is gone and left no status: the machine or its parent was stopped.');
}

function byCode(code: number, evidence: Evidence): [AttemptEnd['outcome'], string] {
  const said = evidence.exit?.message;
  if (code === EXIT_CODES.succeeded) {
    const problem = 'problem' in evidence.result ? evidence.result.problem : '';
    return ['crashed', `The trainer ended with code 0 but without a valid result: ${problem}`];
  }
  const known = concludedBy(code) ?? (code === EXIT_CODES.resumable ? 'disrupted' : null);
  const detail = said ?? lastLine(evidence.logTail);
  if (known !== null) return [known, detail ?? `${FAILURES[known].words} (code ${code}).`];
  const named = byWords(evidence);
  if (named !== null) return named;
  return ['crashed', detail === null ? `The trainer ended with code ${code}.` : `${detail} (code ${code})`];
}

function bySignal(signal: string, evidence: Evidence): [AttemptEnd['outcome'], string] {
  if (signal === 'SIGKILL' && evidence.memoryKills !== false) {
    return ['host-out-of-memory', 'Killed by the kernel (SIGKILL) while memory was short.'];
  }
  const named = byWords(evidence);
  if (named !== null) return named;
  switch (signal) {
    case 'SIGKILL':
      return ['disrupted', 'Killed from outside (SIGKILL), not for lack of memory.'];
    case 'SIGTERM':
    case 'SIGINT':
    case 'SIGHUP':
      return ['disrupted', `Ended from outside (${signal}).`];
    default: {
      const detail = lastLine(evidence.logTail);
      return ['crashed', `Ended by ${signal}${detail === null ? '.' : `; last line of the log: ${detail}`}`];
    }
  }
}

/** The cause that the trainer's last words name; null where they name none that Lamina treats in its own way. */
function byWords({ exit, logTail }: Evidence): [AttemptEnd['outcome'], string] | null {
  const said = exit?.message ?? '';
  const found = diagnoseLog([...logTail.split('\n'), ...said.split('\n')]);
  if (found === null) return null;
  const { words } = FAILURES[found.failureClass];
  return [found.failureClass, said.startsWith(words) ? said : `${words}: ${found.line.trim().slice(0, LONGEST_LINE)}`];
}

const LONGEST_LINE = 400;

function lastLine(log: string): string | null {
  const line = log.trimEnd().split('\n').at(-1)?.trim();
  return line === undefined || line === '' ? null : line.slice(0, LONGEST_LINE);
}

/** From what an ended attempt left behind to one diagnosis. Pure. */
import type { AttemptEnd, FailureClass } from '@lamina/domain/contract/runner.ts';
import { EXIT_CODES, type TrialExit } from '@lamina/domain/contract/trial.ts';

export type StopReason = 'requested' | 'deadline' | 'shutdown';

export interface Evidence {
  /** What whoever waited for the process saw; null where nobody lived to see it. */
  readonly status: { readonly code: number | null; readonly signal: string | null } | null;
  readonly exit: TrialExit | null;
  readonly result: { readonly status: 'succeeded' | 'diverged' } | { readonly problem: string };
  readonly stop: StopReason | null;
  readonly deadlineSeconds: number | null;
  /** Did the kernel kill processes for want of memory while the attempt ran? Null where it does not say. */
  readonly memoryKills: boolean | null;
  readonly logTail: string;
}

type Finding = Pick<AttemptEnd, 'outcome' | 'message' | 'exitCode'>;

const CLASS_OF_CODE: Readonly<Record<number, FailureClass>> = {
  [EXIT_CODES.invalid]: 'invalid',
  [EXIT_CODES.gpuOutOfMemory]: 'gpu-out-of-memory',
  [EXIT_CODES.hostOutOfMemory]: 'host-out-of-memory',
  [EXIT_CODES.gpuFault]: 'gpu-fault',
  [EXIT_CODES.resumable]: 'disrupted',
};

const LOG_SIGNS: readonly (readonly [RegExp, FailureClass])[] = [
  [/CUDA out of memory|torch\.(?:cuda\.)?OutOfMemoryError/, 'gpu-out-of-memory'],
  [/\bMemoryError\b|DefaultCPUAllocator: can't allocate memory|Cannot allocate memory/, 'host-out-of-memory'],
  [/uncorrectable ECC|CUDA error: device lost|GPU has fallen off the bus|\bXid\b/, 'gpu-fault'],
];

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
  if (code !== null) return finding(...byCode(code, evidence));
  if (evidence.status?.signal) return finding(...bySignal(evidence.status.signal, evidence));
  return finding('disrupted', 'The process is gone and left no status: the machine or its parent was stopped.');
}

function byCode(code: number, evidence: Evidence): [AttemptEnd['outcome'], string] {
  const said = evidence.exit?.message;
  if (code === EXIT_CODES.succeeded) {
    const problem = 'problem' in evidence.result ? evidence.result.problem : '';
    return ['crashed', `The trainer ended with code 0 but without a valid result: ${problem}`];
  }
  const known = CLASS_OF_CODE[code];
  if (known !== undefined) return [known, said ?? lastLine(evidence.logTail) ?? `The trainer ended with code ${code}.`];
  const sign = LOG_SIGNS.find(([pattern]) => pattern.test(evidence.logTail));
  const detail = said ?? lastLine(evidence.logTail);
  return [
    sign?.[1] ?? 'crashed',
    detail === null ? `The trainer ended with code ${code}.` : `${detail} (code ${code})`,
  ];
}

function bySignal(signal: string, evidence: Evidence): [AttemptEnd['outcome'], string] {
  switch (signal) {
    case 'SIGKILL':
      return evidence.memoryKills === false
        ? ['disrupted', 'Killed from outside (SIGKILL), not for want of memory.']
        : ['host-out-of-memory', 'Killed by the kernel (SIGKILL) while memory was short.'];
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

const LONGEST_LINE = 400;

function lastLine(log: string): string | null {
  const line = log.trimEnd().split('\n').at(-1)?.trim();
  return line === undefined || line === '' ? null : line.slice(0, LONGEST_LINE);
}

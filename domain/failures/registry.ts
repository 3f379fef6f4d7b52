/**
 * Every class of failure, declared once. The diagnoses of both runners, the trainer's exits (`failures.json` in its
 * package), what an experiment does next and the tables of docs/kubernetes/failures.md follow from this file.
 *
 * A new class is a record here, and its lines in `testing/cases.json`. Its policy and its exit code are part of what
 * running experiments rely on: a class that has been released keeps them.
 */

/**
 * What happens after a failure, by name; the functions are in the run's policies (`run/protocol/policy`), which are tested
 * one by one. The names differ in when, how often and with which plan another attempt follows: each attempt after the
 * first resumes from the newest checkpoint, where there is one, whatever the failure was.
 */
export type PolicyName = 'fail' | 'smaller-plan' | 'more-memory' | 'other-node' | 'resume' | 'resume-once' | 'retry';

/** A line of a log that names the cause, in any case of letters: words that it contains, or a pattern with a name. */
export type Sign = string | { readonly name: string; readonly pattern: RegExp };

export interface FailureFacts {
  /** What happened, without a full stop: the cause is quoted after it. */
  readonly words: string;
  /** The exit code by which the trainer says so; absent where only others see it, or only its words tell. */
  readonly exit?: {
    /** The `reason` in exit.json. */
    readonly name: string;
    readonly code: number;
    /** Does the code settle the diagnosis, whatever the cluster did to the pod? */
    readonly conclusive: boolean;
  };
  readonly signs?: readonly Sign[];
  readonly policy: PolicyName;
  /** Does another plan avoid the failure, so that it is worth remembering for like trials? */
  readonly outgrown?: true;
  /** For the guide, in Markdown. */
  readonly guide: {
    /** What Lamina does. */
    readonly next: string;
    /** What the user can do, where the trainer's code or its log said so. */
    readonly remedy?: string;
  };
}

/** Xids after which the GPU needs a reset or a replacement; others (13, 31, 43, 45) are mostly the program's fault. */
const FATAL_XIDS = [48, 61, 62, 64, 74, 79, 92, 94, 95, 109, 119, 120, 136, 140, 143, 154];

/** The number follows Xid, or the device's address in brackets: numbers of buses and processes are not meant. */
const FATAL_XID = new RegExp(`\\bXid(?: error)?(?: *\\([^)]*\\))?[:=]? *(?:${FATAL_XIDS.join('|')})\\b`);

/**
 * In order of precedence where a log shows signs of several, or processes of one trial end differently. Faults of the
 * GPU come before its memory: a broken GPU refuses allocations too.
 */
const RECORDS = {
  invalid: {
    words: 'The trainer refused its configuration, and its log says why',
    exit: { name: 'invalid', code: 64, conclusive: true },
    policy: 'fail',
    guide: {
      next: 'the trial fails with the message: no retry can help; where its model or dataset is at fault, trials that share it and wait fail with it, without an attempt',
      remedy: "the trainer's message says what is wrong",
    },
  },
  'gpu-fault': {
    words: 'The GPU failed',
    exit: { name: 'gpuFault', code: 67, conclusive: true },
    signs: [
      { name: `Xid ${FATAL_XIDS.join(', ')}`, pattern: FATAL_XID },
      'uncorrectable ECC',
      'uncorrectable NVLink',
      'NVLink error',
      'fallen off the bus',
      'GPU is lost',
      'device lost',
      'device is lost',
      // May be the program's fault as well; but the program is the same on every node, and another node tells.
      'unspecified launch failure',
      'hardware stack error',
      'no CUDA-capable device is detected',
      'CUDA-capable device(s) is/are busy or unavailable',
      'CUDA driver initialization failed',
      'cudaErrorDevicesUnavailable',
      'unknown CUDA error',
    ],
    policy: 'other-node',
    guide: {
      next: 'another attempt after `policy.backoff`, the node excluded for this trial; on one machine the GPU gets no attempt of any trial for a while, or until a person [takes it back](../operations.md#gpus-of-one-machine)',
      remedy: 'have the node checked',
    },
  },
  'gpu-out-of-memory': {
    words: "The GPU's memory was not enough",
    exit: { name: 'gpuOutOfMemory', code: 65, conclusive: true },
    signs: [
      'CUDA out of memory',
      'CUDA error: out of memory',
      { name: 'OutOfMemoryError', pattern: /\bOutOfMemoryError\b/ },
      'CUBLAS_STATUS_ALLOC_FAILED',
      'cudaErrorMemoryAllocation',
    ],
    policy: 'smaller-plan',
    outgrown: true,
    guide: {
      next: 'half the micro-batch with twice the accumulation, then activation checkpointing, then a larger GPU class, then `does-not-fit`; a plan that worked is remembered for like cells',
    },
  },
  'host-out-of-memory': {
    words: "The host's memory was not enough",
    exit: { name: 'hostOutOfMemory', code: 66, conclusive: true },
    signs: [
      { name: 'MemoryError', pattern: /\bMemoryError\b/ },
      "can't allocate memory",
      'cannot allocate memory',
      'not enough memory: you tried to allocate',
      'std::bad_alloc',
    ],
    policy: 'more-memory',
    outgrown: true,
    guide: {
      next: 'half as much memory again, up to `resources.maxMemory`; starting from the limit that the pod had; without one (no `resources.memory`, no `memory` in the cluster settings) there is nothing to raise, and it counts as a crash',
      remedy: '`resources.memory`',
    },
  },
  // Without an exit code of its own: where a node evicts for its full disk, another node helps, and that comes first.
  'disk-full': {
    words: 'A disk was full',
    signs: ['No space left on device', 'Disk quota exceeded', 'database or disk is full'],
    policy: 'retry',
    guide: {
      next: 'another attempt from the last checkpoint, if there is one, after `policy.backoff`: others may have cleared up by then',
      remedy:
        'free space where the path in the message lies, or a larger volume; `/dev/shm` is memory, and small in most pods',
    },
  },
  // The words are those of a trainer that ended with this code; a lost node or a killed pod has words of its own.
  disrupted: {
    words: 'The trainer was asked to stop, and saved a checkpoint',
    exit: { name: 'resumable', code: 75, conclusive: false },
    policy: 'resume',
    guide: {
      next: "another attempt from the last checkpoint, if there is one: at once where it was the trial's first attempt, else after `policy.backoff`",
    },
  },
  stalled: {
    words: 'The trainer gave no sign of life',
    policy: 'resume-once',
    guide: { next: 'stopped and resumed once' },
  },
  'timed-out': {
    words: "The trial's deadline passed",
    policy: 'fail',
    guide: { next: 'the trial fails, its partial metrics are kept' },
  },
  // Also where a quota refused the Job or its pod until the deadline: what was waited for is quoted after the words.
  unschedulable: {
    words: 'No node took the trial',
    policy: 'fail',
    guide: { next: 'waits, saying for what, and fails after `policy.startDeadline`' },
  },
  'image-pull': {
    words: 'The image could not be fetched',
    policy: 'fail',
    guide: { next: 'waits, saying for what, and fails after `policy.startDeadline`' },
  },
  crashed: {
    words: 'The trainer failed',
    exit: { name: 'crashed', code: 1, conclusive: false },
    policy: 'retry',
    guide: { next: 'another attempt from the last checkpoint, if there is one, after `policy.backoff`' },
  },
} as const satisfies Readonly<Record<string, FailureFacts>>;

/** Why an attempt failed. `diverged` is not here: it is a result. */
export type FailureClass = keyof typeof RECORDS;

export const FAILURES: Readonly<Record<FailureClass, FailureFacts>> = RECORDS;

export const FAILURE_CLASSES = Object.keys(RECORDS) as readonly FailureClass[];

type DeclaredExit = Extract<(typeof RECORDS)[FailureClass], { readonly exit: unknown }>['exit'];

/** The trainer's exit codes by the names in exit.json; 0 with a result.json is success. */
export const EXIT_CODES = Object.fromEntries([
  ['succeeded', 0],
  ...Object.values(FAILURES).flatMap(({ exit }) => (exit === undefined ? [] : [[exit.name, exit.code] as const])),
]) as Readonly<Record<'succeeded' | DeclaredExit['name'], number>>;

/** The class that an exit code of the trainer settles; null where it settles none. */
export function concludedBy(code: number): FailureClass | null {
  return (
    FAILURE_CLASSES.find((one) => {
      const { exit } = FAILURES[one];
      return exit?.conclusive === true && exit.code === code;
    }) ?? null
  );
}

/** Attempts that end by what happens in their own container. */
import type { Situation } from './situation.ts';

const exit = (code: number, reason: string, message: string, digest: string | null = null): string => {
  const said = JSON.stringify({ code, reason, message, resumable: code === 75, resultSha256: digest });
  return `echo ${quoted(said)} > /dev/termination-log; exit ${code}`;
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Runs until it is asked to stop, then saves, as the trainer does. */
export const RESUMABLE = `trap ${quoted(exit(75, 'resumable', 'Stopped after step 12; a checkpoint was saved.'))} TERM; while :; do sleep 0.2; done`;

/**
 * A signal to the first process of a container from within is not delivered: a child dies of it instead. The kubelet
 * makes one `$` of two.
 */
const childKilledBy = (signal: string): string => `sh -c 'kill -${signal} $$$$'; exit $?`;

export const ENDINGS: Readonly<Record<string, Situation>> = {
  'exit-0-result': {
    about: 'the trainer succeeded and announced the digest of its result',
    script: exit(0, 'succeeded', 'Finished with a held-out loss of 2.3145.', 'ab'.repeat(32)),
  },
  'exit-0-no-result': { about: 'the process ended with 0 and announced nothing', script: 'exit 0' },
  'exit-64-invalid': {
    about: 'bad configuration',
    script: exit(64, 'invalid', 'The data set has no column text; it has prompt, answer.'),
  },
  'exit-65-gpu-memory': {
    about: 'CUDA out of memory',
    script: exit(
      65,
      'gpuOutOfMemory',
      "The GPU's memory is not enough: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 39.39 GiB of which 1.21 GiB is free.",
    ),
  },
  'exit-66-host-memory': {
    about: 'MemoryError',
    script: exit(66, 'hostOutOfMemory', "The host's memory is not enough: an allocation failed."),
  },
  'exit-67-gpu-fault': {
    about: 'uncorrectable ECC error',
    script: exit(67, 'gpuFault', 'The GPU failed: CUDA error: uncorrectable ECC error encountered'),
  },
  'exit-75-from-outside': {
    about: 'something in the container was asked to stop and saved',
    script: exit(75, 'resumable', 'Stopped after step 12; a checkpoint was saved.'),
  },
  'exit-1-launcher-65': {
    about: 'a launcher of several processes ends with 1; the trainer in it wrote 65',
    script: exit(65, 'gpuOutOfMemory', "The GPU's memory is not enough: CUDA out of memory.").replace(
      /exit 65$/,
      'exit 1',
    ),
  },
  'exit-1-traceback': {
    about: 'a traceback in the log and no termination message',
    script: `echo 'Traceback (most recent call last):' >&2; echo '  File "train.py", line 7, in <module>' >&2; echo 'ValueError: not enough values to unpack' >&2; exit 1`,
  },
  'exit-1-cuda-memory-in-log': {
    about: 'CUDA out of memory in the log of a trainer that did not say so itself',
    script: `echo 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 512.00 MiB.' >&2; echo 'ERROR: exiting' >&2; exit 1`,
  },
  'exit-1-silent': { about: 'a crash without a word', script: 'exit 1' },
  'exit-127-shell': { about: 'a shell does not find the program', script: 'no-such-python -m lamina_trainer' },
  'exit-126-shell': { about: 'a shell may not run the program', script: '/etc/passwd' },
  'start-no-program': {
    about: 'the image does not have the command',
    settings: { command: ['no-such-python', '-m', 'lamina_trainer'] },
  },
  'signal-segv': { about: 'SIGSEGV', script: childKilledBy('SEGV') },
  'signal-abrt': {
    about: 'SIGABRT after a last word',
    script: `echo 'terminate called after throwing an instance of c10::Error' >&2; ${childKilledBy('ABRT')}`,
  },
  'signal-bus': { about: 'SIGBUS', script: childKilledBy('BUS') },
  'signal-ill': { about: 'SIGILL', script: childKilledBy('ILL') },
  'signal-kill': { about: 'SIGKILL from outside, no memory limit', script: childKilledBy('KILL') },
  'signal-term': { about: 'SIGTERM from outside', script: childKilledBy('TERM') },
  'memory-limit': {
    about: 'over its memory limit',
    script: 'exec dd if=/dev/zero of=/dev/null bs=200M count=1',
    plan: { memoryBytes: 24 * 1024 * 1024 },
  },
  'memory-limit-child': {
    about: 'a child process over the memory limit, the first process ends with 1',
    script: 'dd if=/dev/zero of=/dev/null bs=200M count=1 || exit 1',
    plan: { memoryBytes: 24 * 1024 * 1024 },
  },
  'deadline-saved': {
    about: 'stopped at its deadline, with a checkpoint',
    script: RESUMABLE,
    limits: { deadlineSeconds: 3, graceSeconds: 5 },
  },
  'deadline-ignored': {
    about: 'killed at its deadline, having ignored the request to stop',
    script: `trap '' TERM; while :; do sleep 0.2; done`,
    limits: { deadlineSeconds: 3, graceSeconds: 1 },
  },
  'disk-own-limit-folder': {
    about: 'more in a scratch folder than its limit',
    script: 'dd if=/dev/zero of=/big/file bs=1M count=20; sleep 300',
    settings: {
      volumes: [{ name: 'big', mountPath: '/big', readOnly: false, source: { emptyDir: { sizeLimit: '2Mi' } } }],
    },
    seconds: 180,
  },
  'disk-own-limit-pod': {
    about: 'more on local disk than the pod may use',
    script: 'dd if=/dev/zero of=/tmp/file bs=1M count=20; sleep 300',
    change: (job) => {
      const container = job.spec?.template.spec?.containers[0];
      if (container !== undefined) container.resources = { limits: { 'ephemeral-storage': '2Mi' } };
    },
    seconds: 180,
  },
};

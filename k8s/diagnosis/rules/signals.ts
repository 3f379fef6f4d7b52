/** The trainer was ended by a signal: the container's code is 128 and the signal's number. */
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import { finding, lastLine, onNode, type PodRule, RESUMES } from '../finding.ts';
import { logOf } from './said.ts';

interface Meaning {
  readonly name: string;
  readonly outcome: AttemptEnd['outcome'];
  readonly usually: string;
}

const SIGNALS: Readonly<Record<number, Meaning>> = {
  129: { name: 'SIGHUP', outcome: 'disrupted', usually: `Something outside Lamina ended it. ${RESUMES}` },
  130: { name: 'SIGINT', outcome: 'disrupted', usually: `Something outside Lamina ended it. ${RESUMES}` },
  132: {
    name: 'SIGILL',
    outcome: 'crashed',
    usually: 'A library in the image uses instructions that this CPU does not have; use an image built for it.',
  },
  134: {
    name: 'SIGABRT',
    outcome: 'crashed',
    usually: 'A native library gave up, most often CUDA, NCCL or the allocator; its last words are in the log.',
  },
  135: {
    name: 'SIGBUS',
    outcome: 'crashed',
    usually: 'Usually shared memory (/dev/shm) is too small for the data loader, or a file it had mapped was cut.',
  },
  136: { name: 'SIGFPE', outcome: 'crashed', usually: 'A native library divided by zero.' },
  137: {
    name: 'SIGKILL',
    outcome: 'disrupted',
    usually: `Something outside Lamina killed it, and the node reports no lack of memory. ${RESUMES}`,
  },
  139: {
    name: 'SIGSEGV',
    outcome: 'crashed',
    usually: 'A native library touched memory that is not its own, often CUDA and driver versions that do not fit.',
  },
  143: {
    name: 'SIGTERM',
    outcome: 'disrupted',
    usually: `Something outside Lamina asked it to stop before it could save. ${RESUMES}`,
  },
};

export const signalled: PodRule = (pod) => {
  const code = pod.terminated?.exitCode;
  const meaning = code === undefined ? undefined : SIGNALS[code];
  if (meaning === undefined) return null;
  const said = meaning.outcome === 'crashed' ? lastLine(logOf(pod)) : null;
  return finding(
    meaning.outcome,
    `The trainer${onNode(pod)} was ended by ${meaning.name} (code ${code}). ${meaning.usually}${said === null ? '' : ` Last line of the log: ${said}`}`,
  );
};

/** Anything else: the trainer's last words are all that is known. */
import { finding, lastLine, onNode, type PodRule, quote, RESUMES, sentence } from '../finding.ts';
import { logOf, trainerCode } from './said.ts';

export const crashed: PodRule = (pod) => {
  const code = trainerCode(pod);
  if (code === null) return null;
  const words = pod.said?.message || lastLine(logOf(pod));
  if (!words) {
    return finding('crashed', `The trainer${onNode(pod)} ended with code ${code} and said nothing; see its log.`);
  }
  return finding('crashed', `${sentence(quote(words))} (The trainer${onNode(pod)} ended with code ${code}.)`);
};

/** A pod that has failed and of whose container nothing is known. */
export const failedPod: PodRule = (pod) => {
  if (pod.phase !== 'Failed') return null;
  const words = [pod.reason, quote(pod.message)].filter((one) => one !== '').join(': ');
  return finding('crashed', `The trial's pod failed${onNode(pod)}${words === '' ? '' : ` (${words})`}.`);
};

/** A pod that has ended without a word. */
export const gonePod: PodRule = (pod) =>
  finding('disrupted', `The trial's pod${onNode(pod)} is gone, and nobody saw how it ended. ${RESUMES}`);

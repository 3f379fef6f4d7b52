/** The trainer's own words: exit codes 64 to 67, which nobody else uses, and 75. */
import type { FailureClass } from '@lamina/domain/contract/runner.ts';
import { EXIT_CODES } from '@lamina/domain/contract/trial.ts';
import { finding, lastLine, onNode, type PodRule, RESUMES, sentence } from '../finding.ts';
import type { PodView } from '../view.ts';
import { endedForAnother } from './job-failure.ts';

const CLASS_OF_CODE: Readonly<Record<number, FailureClass>> = {
  [EXIT_CODES.invalid]: 'invalid',
  [EXIT_CODES.gpuOutOfMemory]: 'gpu-out-of-memory',
  [EXIT_CODES.hostOutOfMemory]: 'host-out-of-memory',
  [EXIT_CODES.gpuFault]: 'gpu-fault',
};

const UNEXPLAINED: Readonly<Record<number, string>> = {
  [EXIT_CODES.invalid]: 'The trainer refused its configuration, and its log says why',
  [EXIT_CODES.gpuOutOfMemory]: "The GPU's memory was not enough",
  [EXIT_CODES.hostOutOfMemory]: "The host's memory was not enough",
  [EXIT_CODES.gpuFault]: 'The GPU failed',
};

/**
 * The code by which the trainer ended. A launcher of several processes ends with its own code and a killed process with
 * the signal's: then what the trainer wrote before counts.
 */
export function trainerCode(pod: PodView): number | null {
  const code = pod.terminated?.exitCode ?? null;
  if (code !== null && (CLASS_OF_CODE[code] !== undefined || code === EXIT_CODES.resumable)) return code;
  return pod.said?.code ?? code;
}

export const saidWhy: PodRule = (pod) => {
  const code = trainerCode(pod);
  const outcome = code === null ? undefined : CLASS_OF_CODE[code];
  if (code === null || outcome === undefined) return null;
  const words = pod.said?.message || lastLine(logOf(pod)) || UNEXPLAINED[code] || '';
  const where = outcome === 'invalid' || pod.node === null ? '' : ` It ran${onNode(pod)}.`;
  return { outcome, message: `${sentence(words)}${where}`, exitCode: code };
};

/** The log's tail, where the termination message is one. */
export function logOf(pod: PodView): string {
  const { terminated } = pod;
  return terminated === null || terminated.text.trimStart().startsWith('{') ? '' : terminated.text;
}

/** It was asked to stop, nobody knows by whom, and has saved its work. */
export const savedAndStopped: PodRule = (pod, attempt) => {
  if (trainerCode(pod) !== EXIT_CODES.resumable || endedForAnother(pod, attempt)) return null;
  const words = `Something outside Lamina asked the trainer${onNode(pod)} to stop`;
  return { ...finding('disrupted', `${words}. ${checkpointWords(pod)}`), exitCode: EXIT_CODES.resumable };
};

/** What the trainer said about its checkpoint when it was stopped. */
export function checkpointWords(pod: PodView): string {
  const saved = trainerCode(pod) === EXIT_CODES.resumable ? pod.said?.message : undefined;
  return saved ? sentence(saved) : RESUMES;
}

/** The trainer's own words: the exit codes that only it uses. */
import { concludedBy, EXIT_CODES, FAILURES } from '@lamina/domain/failures/registry.ts';
import { finding, lastLine, onNode, type PodRule, RESUMES, sentence } from '../finding.ts';
import type { PodView } from '../view.ts';
import { endedForAnother } from './job-failure.ts';

/**
 * The code by which the trainer ended. A launcher of several processes ends with its own code and a killed process with
 * the signal's: then what the trainer wrote before counts.
 */
export function trainerCode(pod: PodView): number | null {
  const code = pod.terminated?.exitCode ?? null;
  if (code !== null && (concludedBy(code) !== null || code === EXIT_CODES.resumable)) return code;
  return pod.said?.code ?? code;
}

export const saidWhy: PodRule = (pod) => {
  const code = trainerCode(pod);
  const outcome = code === null ? null : concludedBy(code);
  if (outcome === null) return null;
  const words = pod.said?.message || lastLine(logOf(pod)) || FAILURES[outcome].words;
  const where = outcome === 'invalid' ? '' : whereItRan(pod);
  const subject = outcome === 'invalid' ? pod.said?.subject : null;
  return { outcome, message: `${sentence(words)}${where}`, exitCode: code, ...(subject != null && { subject }) };
};

/** ` It ran on node gpu-1.`, or nothing where the node is not known. */
export function whereItRan(pod: PodView): string {
  return pod.node === null ? '' : ` It ran${onNode(pod)}.`;
}

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

/** What the trainer said about its checkpoint when it was stopped, or what holds where it said nothing. */
export function checkpointWords(pod: PodView): string {
  return savedWords(pod) ?? RESUMES;
}

/** What the trainer said about its checkpoint when it was stopped; null where it said nothing. */
export function savedWords(pod: PodView): string | null {
  const saved = trainerCode(pod) === EXIT_CODES.resumable ? pod.said?.message : undefined;
  return saved ? sentence(saved) : null;
}

/** The Job was suspended or deleted, or the pod alone, while the trial was under way. */
import { EXIT_CODES } from '@lamina/domain/failures/registry.ts';
import { finding, onNode, type PodRule, quote } from '../finding.ts';
import { endedForAnother } from './job-failure.ts';
import { checkpointWords, trainerCode } from './said.ts';

const STOP_CODES: readonly number[] = [EXIT_CODES.resumable, 137, 143];

/** Kueue's message goes on with ids and paths. */
const DUE_TO = /due to ([^;]+)/;

/** A queue took the resources back: the Job is suspended, and its pods are ended. */
export const suspended: PodRule = (pod, attempt) => {
  if (!attempt.suspended) return null;
  const said = attempt.events.findLast((event) => event.kind === 'Job' && event.reason === 'Stopped')?.message;
  const why = said === undefined ? '' : ` (${quote(DUE_TO.exec(said)?.[1] ?? said)})`;
  const queue = attempt.queue === null ? 'Somebody suspended the Job' : `Queue ${attempt.queue} took the place back`;
  return finding(
    'disrupted',
    `${queue} ${pod.started ? 'while the trial was under way' : 'before the trial had started'}${onNode(pod)}${why}. ${checkpointWords(pod)}`,
  );
};

/** By Lamina, which deletes the Jobs it stops, or by hand. */
export const jobDeleted: PodRule = (pod, attempt) => {
  if (!attempt.jobGone && !attempt.jobDeleting) return null;
  const code = trainerCode(pod);
  if (code !== null && !STOP_CODES.includes(code)) return null;
  if (!pod.started) return finding('disrupted', 'The Job was deleted before the trial had started.');
  const words = code === null ? 'before it said how it ended' : 'while the trial ran';
  return finding('disrupted', `The Job was deleted ${words}${onNode(pod)}. ${checkpointWords(pod)}`);
};

/** `kubectl delete pod`, or a controller of the cluster's owner. */
export const podDeleted: PodRule = (pod, attempt) => {
  if (endedForAnother(pod, attempt)) return null;
  const code = trainerCode(pod);
  if (code !== null && !STOP_CODES.includes(code)) return null;
  if (pod.deletionDueMs === null && !pod.gone) return null;
  if (!pod.started) return finding('disrupted', "The trial's pod was deleted before it had started.");
  return finding('disrupted', `The trial's pod${onNode(pod)} was deleted while it ran. ${checkpointWords(pod)}`);
};

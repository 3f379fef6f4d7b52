/** What a rule says, and how rules are tried. */
import type { PendingKind, PendingReason } from '@lamina/domain/contract/pending.ts';
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import type { AttemptView, PodView } from './view.ts';

export interface Finding {
  readonly outcome: AttemptEnd['outcome'];
  /** Becomes `AttemptEnd.message`. */
  readonly message: string;
  /** The trainer's, where it is not the container's. */
  readonly exitCode?: number | null;
  /** What the trainer said is at fault. */
  readonly subject?: AttemptEnd['subject'];
}

/** Null where the rule has nothing to say. Pure. */
export type PodRule = (pod: PodView, attempt: AttemptView) => Finding | null;

export function finding(outcome: Finding['outcome'], message: string): Finding {
  return { outcome, message };
}

/** Why an attempt does not run yet. */
export function reason(kind: PendingKind, text: string): PendingReason {
  return { kind, text };
}

/** ` on node gpu-1`, or nothing where the node is not known. */
export function onNode(pod: PodView): string {
  return pod.node === null ? '' : ` on node ${pod.node}`;
}

/** `Node gpu-1`, or `The node`. */
export function theNode(pod: PodView): string {
  return pod.node === null ? 'The node' : `Node ${pod.node}`;
}

/** A sentence with its full stop. */
export function sentence(words: string): string {
  const trimmed = words.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

const LONGEST_QUOTE = 300;

/** Words of the cluster on one line, cut to what a person reads. */
export function quote(words: string): string {
  const line = words.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE - 1)}…` : line;
}

/** What the last line of a log says; null where there is none. */
export function lastLine(log: string): string | null {
  const line = log
    .trimEnd()
    .split('\n')
    .findLast((one) => one.trim() !== '');
  return line === undefined ? null : quote(line);
}

/** Checkpoints are off where `training.checkpointEvery` is not set, so there may be none. */
export const RESUMES = 'The next attempt goes on from the last checkpoint, if one was saved.';

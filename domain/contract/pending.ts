/** Why an attempt does not run yet. */

/**
 * `queued`: it waits for its turn in a queue of the cluster, which no deadline limits. `unschedulable`: no node takes it
 * yet, or a quota of the namespace is used up. `image-pull`: the image cannot be fetched. `starting`: volumes, image and
 * container are being prepared. `misconfigured`: a person has to put something right.
 */
export const PENDING_KINDS = ['queued', 'unschedulable', 'image-pull', 'misconfigured', 'starting'] as const;
export type PendingKind = (typeof PENDING_KINDS)[number];

/** Called `waiting` in the store, the API and the command line, and `waitedFor` in histories, whose names cannot change. */
export interface PendingReason {
  readonly kind: PendingKind;
  /** One or two sentences for somebody who does not know Kubernetes. */
  readonly text: string;
  /** Its place in the queue, 1 is the next; absent where it is in none, or that is not known. */
  readonly position?: number | undefined;
}

/**
 * Reads a reason as rows, events and workflow histories hold it. Those of earlier releases are one string,
 * `kind: text`; without a kind they are of the local runner, which had only one thing to say.
 */
export function readPendingReason(stored: PendingReason | string | null | undefined): PendingReason | null {
  if (stored == null || typeof stored === 'object') return stored ?? null;
  const kind = PENDING_KINDS.find((one) => stored === one || stored.startsWith(`${one}: `));
  if (kind === undefined) return { kind: 'starting', text: stored };
  return { kind, text: stored === kind ? stored : stored.slice(kind.length + 2) };
}

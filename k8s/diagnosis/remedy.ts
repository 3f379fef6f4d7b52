/** What the runner has to do so that an attempt that has ended leaves nothing behind. */
import type { AttemptEvidence } from '../evidence.ts';
import { isLost } from './ended.ts';
import { viewOf } from './view.ts';

export type Remedy =
  | { readonly action: 'none' }
  /** Delete these pods with grace period 0: their node does not answer, and without that they stay for ever. */
  | { readonly action: 'force-delete-pods'; readonly pods: readonly { readonly name: string; readonly uid: string }[] };

/** Pure. The uid belongs into the delete's precondition, so that no newer pod of the name is hit. */
export function remedy(evidence: AttemptEvidence): Remedy {
  const pods = viewOf(evidence)
    .pods.filter((pod) => isLost(pod, evidence.nowMs))
    .map(({ name, uid }) => ({ name, uid }));
  return pods.length === 0 ? { action: 'none' } : { action: 'force-delete-pods', pods };
}

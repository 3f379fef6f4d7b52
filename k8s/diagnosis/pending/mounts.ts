/** A volume cannot be mounted. The kubelet keeps trying, and only its events say why. */
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import { quote, reason } from '../finding.ts';
import type { PodView } from '../view.ts';
import { missingObject } from './container.ts';

export function mountFails(pod: PodView): PendingReason | null {
  const failed = pod.events.filter((event) => event.reason === 'FailedMount' || event.reason === 'FailedAttachVolume');
  // The summary that follows ("timed out waiting") says less than what it sums up.
  const event = failed.findLast((one) => !/timed out waiting|context deadline/.test(one.message)) ?? failed.at(-1);
  if (event === undefined) return null;
  const { message } = event;
  const missing = /(secret|configmap) "([^"]+)" not found/.exec(message);
  if (missing !== null) return reason('misconfigured', missingObject(missing[1] ?? '', missing[2] ?? ''));
  const volume = /volume "([^"]+)"/.exec(message)?.[1];
  const what = volume === undefined ? 'A volume' : `The volume "${volume}"`;
  const path = /hostPath type check failed: (\S+) is not/.exec(message)?.[1];
  if (path !== undefined) {
    return reason('misconfigured', `${what} names the folder ${path}, which node ${pod.node ?? '?'} does not have.`);
  }
  if (/Multi-Attach|already (?:exclusively )?attached|used by/.test(message)) {
    return reason(
      'misconfigured',
      `${what} can be attached to one node at a time and another node has it; use a volume that several nodes can share (ReadWriteMany).`,
    );
  }
  if (/failed to sync/.test(message)) {
    return reason('starting', `Node ${pod.node ?? '?'} is still asking for the content of ${what.toLowerCase()}.`);
  }
  return reason('misconfigured', `${what} cannot be mounted on node ${pod.node ?? '?'}: ${quote(message)}`);
}

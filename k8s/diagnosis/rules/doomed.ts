/** Attempts that wait for what no wait can bring. */
import { type Finding, finding, quote } from '../finding.ts';
import { newestPodRefusal } from '../pending/of-job.ts';
import type { AttemptView, PodView } from '../view.ts';
import { startFailure } from './start-failure.ts';

/** With the pod that says so; null where there is none. */
export function doomed(attempt: AttemptView): readonly [PodView | null, Finding] | null {
  const refused = refusedByPolicy(attempt);
  if (refused !== null) return [null, refused];
  for (const pod of attempt.pods) {
    const found = pod.gone ? null : cannotStart(pod);
    if (found !== null) return [pod, found];
  }
  return null;
}

const POD_SECURITY = /violates PodSecurity "([^":]+):?[^"]*":? ?(.*)$/s;
const NO_POD = /Pod "[^"]*" is invalid: (.*)$/s;

function refusedByPolicy(attempt: AttemptView): Finding | null {
  const message = newestPodRefusal(attempt);
  if (message === null) return null;
  const security = POD_SECURITY.exec(message);
  if (security !== null) {
    const [, level = '', details = ''] = security;
    return finding(
      'invalid',
      `The namespace admits only pods of the security level "${level}", and this one breaks it: ${quote(details)}. Change the volumes or users in the cluster settings accordingly, or use a namespace with a lower level (label pod-security.kubernetes.io/enforce).`,
    );
  }
  const invalid = NO_POD.exec(message)?.[1];
  return invalid === undefined ? null : finding('invalid', `The cluster refuses the trial's pod: ${quote(invalid)}.`);
}

function cannotStart(pod: PodView): Finding | null {
  const { waiting, image } = pod;
  switch (waiting?.reason) {
    case 'InvalidImageName':
      return finding(
        'invalid',
        `"${image ?? ''}" is not the name of an image; correct the image in the cluster settings.`,
      );
    case 'CreateContainerError':
    case 'RunContainerError':
      return startFailure(pod, waiting.message);
    default:
      return null;
  }
}

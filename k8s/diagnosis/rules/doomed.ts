/** Attempts that wait for what no wait can bring. */
import { type Finding, finding, quote } from '../finding.ts';
import { refusal } from '../pending/of-job.ts';
import type { AttemptView } from '../view.ts';
import { startFailure } from './start-failure.ts';

export function doomed(attempt: AttemptView): Finding | null {
  return refusedByPolicy(attempt) ?? cannotStart(attempt);
}

const POD_SECURITY = /violates PodSecurity "([^":]+):?[^"]*":? ?(.*)$/s;
const NO_POD = /Pod "[^"]*" is invalid: (.*)$/s;

function refusedByPolicy(attempt: AttemptView): Finding | null {
  const message = refusal(attempt);
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

function cannotStart({ pods }: AttemptView): Finding | null {
  for (const pod of pods) {
    const { waiting } = pod;
    if (waiting === null || pod.gone) continue;
    if (waiting.reason === 'InvalidImageName') {
      return finding(
        'invalid',
        `"${pod.image ?? ''}" is not the name of an image; correct the image in the cluster settings.`,
      );
    }
    if (waiting.reason === 'CreateContainerError' || waiting.reason === 'RunContainerError') {
      const failure = startFailure(pod, waiting.message);
      if (failure !== null) return failure;
    }
  }
  return null;
}

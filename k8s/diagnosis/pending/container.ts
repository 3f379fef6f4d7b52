/** The kubelet cannot get from the image to a running container. */

import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import { quote, reason } from '../finding.ts';
import { isGpuRuntime } from '../rules/start-failure.ts';
import type { PodView } from '../view.ts';

type Waits = (pod: PodView, message: string) => PendingReason | null;

const REASONS: Readonly<Record<string, Waits>> = {
  ErrImagePull: imagePull,
  ImagePullBackOff: imagePull,
  RegistryUnavailable: imagePull,
  ImageInspectError: imagePull,
  SignatureValidationFailed: (pod) =>
    reason('image-pull', `The image ${image(pod)} has no signature that node ${pod.node ?? '?'} accepts.`),
  ErrImageNeverPull: (pod) =>
    reason(
      'image-pull',
      `The image ${image(pod)} is not on node ${pod.node ?? '?'}, and imagePullPolicy Never forbids fetching it. Load it there, or change the policy in the cluster settings.`,
    ),
  CreateContainerConfigError: config,
  CreateContainerError: (pod, message) =>
    reason('misconfigured', `Node ${pod.node ?? '?'} cannot create the container${gpu(message)}: ${quote(message)}.`),
  RunContainerError: (pod, message) =>
    reason('misconfigured', `Node ${pod.node ?? '?'} cannot start the container${gpu(message)}: ${quote(message)}.`),
};

export function containerWaits(pod: PodView): PendingReason | null {
  const { waiting } = pod;
  if (waiting === null) return null;
  return REASONS[waiting.reason]?.(pod, waiting.message) ?? null;
}

function image(pod: PodView): string {
  return pod.image ?? '?';
}

function gpu(message: string): string {
  return isGpuRuntime(message) ? ' with its GPU' : '';
}

const PULL_CAUSES: readonly (readonly [RegExp, string])[] = [
  [
    /not found|manifest unknown|does not exist|repository name not known/i,
    'the registry does not have it. Correct the image in the cluster settings.',
  ],
  [
    /unauthorized|denied|forbidden|authentication required|401|403/i,
    'the registry refuses access. Name a Secret with access in imagePullSecrets of the cluster settings.',
  ],
  [
    /no such host|connection refused|timeout|timed out|unreachable|TLS|x509|EOF|dial tcp/i,
    'the registry cannot be reached from the node.',
  ],
  [/no space left/i, "the node's disk is full."],
  [/toomanyrequests|rate limit/i, 'the registry limits how often images are fetched; the cluster keeps trying.'],
];

function imagePull(pod: PodView, message: string): PendingReason {
  // Back-off messages name the image only; the event before says why.
  const said = [message, ...pod.events.filter((event) => event.reason === 'Failed').map((event) => event.message)];
  for (const [pattern, words] of PULL_CAUSES) {
    const known = said.some((one) => pattern.test(one.replaceAll(image(pod), '')));
    if (known) return reason('image-pull', `The image ${image(pod)} cannot be fetched: ${words}`);
  }
  return reason('image-pull', `The image ${image(pod)} cannot be fetched: ${quote(message)}`);
}

function config(_pod: PodView, message: string): PendingReason {
  const missing = /(secret|configmap) "([^"]+)" not found/.exec(message);
  if (missing !== null) return reason('misconfigured', missingObject(missing[1] ?? '', missing[2] ?? ''));
  const key = /couldn't find key (\S+) in (Secret|ConfigMap) (\S+)/.exec(message);
  if (key !== null) {
    return reason('misconfigured', `The ${key[2]} "${key[3]}" has no key "${key[1]}"; add it.`);
  }
  if (/runAsNonRoot|non-root|non-numeric user/.test(message)) {
    return reason(
      'misconfigured',
      'The image would run as root, which the pod forbids; set runAsUser in the cluster settings to a user of the image.',
    );
  }
  return reason('misconfigured', `The container cannot be set up: ${quote(message)}.`);
}

export function missingObject(kind: string, name: string): string {
  const word = kind.toLowerCase() === 'secret' ? 'Secret' : 'ConfigMap';
  return `The ${word} "${name}" does not exist in the namespace; create it, or correct its name in the cluster settings.`;
}

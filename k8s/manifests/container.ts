/** The container in which the trainer runs. */
import type { V1Container, V1EnvVar, V1ResourceRequirements, V1VolumeMount } from '@kubernetes/client-node';
import { API_KEY_VARIABLE } from '@lamina/domain/contract/generation.ts';
import type { AttemptLaunch, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import type { Plan } from '@lamina/domain/contract/trial.ts';
import { TRAINER_CONTAINER } from '../labels.ts';
import type { KubernetesSettings } from '../settings/settings.ts';
import { ManifestProblem } from './problem.ts';
import { HOME } from './volumes.ts';

const TERMINATION_LOG = '/dev/termination-log';

export interface Share {
  readonly gpuResource: string;
  /** GPUs of this pod. */
  readonly gpus: number;
  /** How it finds the other pods of the attempt. */
  readonly env: readonly V1EnvVar[];
}

export function trainerContainer(
  launch: AttemptLaunch<AttemptRequest>,
  settings: KubernetesSettings,
  share: Share,
  volumeMounts: V1VolumeMount[],
): V1Container {
  return {
    name: TRAINER_CONTAINER,
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    command: settings.command,
    args: ['run', '--request-env', 'LAMINA_REQUEST'],
    env: [...environment(launch, settings), ...share.env],
    ...(settings.envFromSecrets.length > 0 && {
      envFrom: settings.envFromSecrets.map((name) => ({ secretRef: { name } })),
    }),
    resources: resources(launch.request.plan, settings, share),
    volumeMounts,
    terminationMessagePath: TERMINATION_LOG,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
  };
}

/** Ours can be replaced by those of the settings, except for what the contract between scheduler and trainer needs. */
function environment({ request, token }: AttemptLaunch<AttemptRequest>, settings: KubernetesSettings): V1EnvVar[] {
  const defaults = {
    HOME,
    // A user id that no passwd file knows has no name, and libraries ask for one.
    USER: 'lamina',
    HF_HOME: `${request.paths.cache}/huggingface`,
    // Images made for GPUs ask for all of them, and where no device plugin says otherwise they get them.
    ...(request.plan.gpus === 0 && { NVIDIA_VISIBLE_DEVICES: 'void' }),
    ...settings.env,
  };
  return [
    ...Object.entries(defaults).map(([name, value]) => ({ name, value })),
    { name: 'LAMINA_NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'LAMINA_POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'LAMINA_TERMINATION_LOG', value: TERMINATION_LOG },
    { name: 'LAMINA_ATTEMPT_TOKEN', value: literal(token) },
    ...apiKey(request, settings),
    { name: 'LAMINA_REQUEST', value: literal(JSON.stringify(request)) },
  ];
}

/** The kubelet reads the Secret: neither the request nor the Job holds the key. */
function apiKey(request: AttemptRequest, { apiKeySecrets }: KubernetesSettings): readonly V1EnvVar[] {
  const secret = 'kind' in request ? request.spec.endpoint.apiKeySecret : null;
  if (secret === null) return [];
  // The author of a document also says where its key is sent.
  if (!apiKeySecrets.includes(secret.name)) {
    throw new ManifestProblem(
      `The Secret '${secret.name}' of dataset.endpoint.apiKeySecret is not one that documents may name; add it to apiKeySecrets in the cluster's settings.`,
    );
  }
  return [{ name: API_KEY_VARIABLE, valueFrom: { secretKeyRef: { ...secret } } }];
}

/** The kubelet would put variables in the place of `$(NAME)`, and one `$` in that of two. */
function literal(value: string): string {
  return value.replaceAll('$', '$$$$');
}

/** Memory that is asked for is memory that is kept free: request and limit are one. CPU is not limited. */
function resources(plan: Plan, settings: KubernetesSettings, { gpus, gpuResource }: Share): V1ResourceRequirements {
  const memory = plan.memoryBytes === null ? settings.memory : String(plan.memoryBytes);
  const limits = {
    ...(memory !== null && { memory }),
    ...(gpus > 0 && { [gpuResource]: String(gpus) }),
  };
  return { requests: { cpu: settings.cpu, ...limits }, ...(Object.keys(limits).length > 0 && { limits }) };
}

/** What a situation consists of: an attempt, what is done to it, and when everything has been seen. */
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import type { Cluster } from '../../support/cluster.ts';
import type { Seen } from './recording.ts';

export interface Situation {
  readonly about: string;
  /** What the trainer's container does, for `sh -c`. */
  readonly script?: string;
  readonly settings?: Partial<KubernetesSettings>;
  readonly plan?: { readonly memoryBytes?: number; readonly gpus?: number };
  readonly limits?: { readonly deadlineSeconds?: number; readonly graceSeconds?: number };
  /** Changes the manifest where Lamina would never write what the situation needs. */
  readonly change?: (job: V1Job) => void;
  /** Namespace of its own with these labels, where the situation needs one. */
  readonly namespace?: { readonly name: string; readonly labels?: Record<string, string>; readonly objects?: object[] };
  /** Done before anything else. */
  readonly prepare?: (context: Context) => Promise<void>;
  /** More objects, made before the Job. */
  readonly objects?: readonly object[];
  /** Done once `when` is true. */
  readonly act?: (context: Context) => Promise<void>;
  readonly when?: (seen: Seen) => boolean;
  /** The recording is complete; the Job has ended where absent. */
  readonly done?: (seen: Seen) => boolean;
  /** Takes a node away from others for a minute: recorded alone and only where it is asked for by name. */
  readonly disruptive?: true;
  readonly undo?: (context: Context) => Promise<void>;
  readonly seconds?: number;
}

export interface Context {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly job: string;
  readonly pod: V1Pod | undefined;
}

export const running = (seen: Seen): boolean => seen.pods.some((pod) => pod.status?.phase === 'Running');

export const podsEnded = ({ pods, gonePods }: Seen): boolean =>
  pods.length > 0 &&
  pods.every(
    ({ metadata, status }) =>
      status?.phase === 'Failed' || status?.phase === 'Succeeded' || gonePods.includes(metadata?.uid ?? ''),
  );

export const jobEnded = ({ job }: Seen): boolean =>
  job?.status?.conditions?.some(
    ({ type, status }) => status === 'True' && (type === 'Failed' || type === 'Complete'),
  ) === true;

export const ended = (seen: Seen): boolean => podsEnded(seen) && (seen.job === null || jobEnded(seen));

export const waits =
  (...reasons: string[]) =>
  (seen: Seen): boolean =>
    seen.pods.some((pod) =>
      pod.status?.containerStatuses?.some(({ state }) => reasons.includes(state?.waiting?.reason ?? '')),
    );

export const event =
  (reason: string, message = '') =>
  (seen: Seen): boolean =>
    seen.events.some((one) => one.reason === reason && one.message?.includes(message) === true);

export const unscheduled = (seen: Seen): boolean =>
  seen.pods.some((pod) =>
    pod.status?.conditions?.some(({ type, status }) => type === 'PodScheduled' && status === 'False'),
  );

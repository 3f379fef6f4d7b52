/**
 * Every label, annotation and name that Lamina puts on objects in a cluster. Labels are what is selected by;
 * annotations carry what does not fit a label's 63 characters or is never selected by.
 */
export const PREFIX = 'lamina.dev';

export const LABELS = {
  /** Always `lamina`: what the watch selects by. */
  managedBy: 'app.kubernetes.io/managed-by',
  /** The installation, so that several can share a namespace. */
  instance: 'app.kubernetes.io/instance',
  experiment: `${PREFIX}/experiment`,
  trial: `${PREFIX}/trial`,
  attempt: `${PREFIX}/attempt`,
  /** Hash of the attempt's request and manifest: a Job of the same name with another hash is not ours to adopt. */
  contentHash: `${PREFIX}/content-hash`,
  /** The queue of Kueue, where it is used. */
  queueName: 'kueue.x-k8s.io/queue-name',
} as const;

export const ANNOTATIONS = {
  attemptId: `${PREFIX}/attempt-id`,
} as const;

export const MANAGED_BY = 'lamina';

/** Name of the container in which the trainer runs. */
export const TRAINER_CONTAINER = 'trainer';

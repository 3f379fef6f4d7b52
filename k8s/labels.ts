/**
 * Every label, annotation and name that Lamina puts on objects in a cluster. Labels are what is selected by;
 * annotations carry what does not fit a label's 63 characters or is never selected by. Explained for people in
 * docs/kubernetes/labels.md.
 */
export const PREFIX = 'lamina.dev';

export const LABELS = {
  /** Always `lamina`: what the watch selects by. */
  managedBy: 'app.kubernetes.io/managed-by',
  /** The installation, so that several can share a namespace. */
  instance: 'app.kubernetes.io/instance',
  experiment: `${PREFIX}/experiment`,
  /** The first 16 characters of the trial's id. */
  trial: `${PREFIX}/trial`,
  attempt: `${PREFIX}/attempt`,
  /**
   * Hash of what the attempt is asked to do and by whom. Where folders are mounted and which image runs do not count:
   * an attempt that was created before these settings changed is still the same attempt. A Job of the same name with
   * another hash is not ours to adopt.
   */
  contentHash: `${PREFIX}/content-hash`,
  /** The queue of Kueue, where it is used. */
  queueName: 'kueue.x-k8s.io/queue-name',
} as const;

/** Ids in full; a label may hold a shortened form of them. */
export const ANNOTATIONS = {
  attemptId: `${PREFIX}/attempt-id`,
  experimentId: `${PREFIX}/experiment-id`,
  trialId: `${PREFIX}/trial-id`,
} as const;

export const MANAGED_BY = 'lamina';

/** Name of the container in which the trainer runs. */
export const TRAINER_CONTAINER = 'trainer';

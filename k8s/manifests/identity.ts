/** Whose a Job or a pod is: written by the manifest, read back from whatever the cluster shows. */
import type { V1ObjectMeta } from '@kubernetes/client-node';
import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';
import type { AttemptLaunch, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import { canonical } from '@lamina/domain/vocabulary/canonical.ts';
import { ANNOTATIONS, LABELS, MANAGED_BY } from '../labels.ts';
import { labelValue, sha256 } from '../names.ts';

export function attemptLabels(launch: AttemptLaunch<AttemptRequest>, instance: string): Record<string, string> {
  return {
    ...attemptSelectorLabels(instance),
    [LABELS.experiment]: labelValue(launch.experimentId),
    [LABELS.trial]: labelValue(launch.trialId.slice(0, 16)),
    [LABELS.attempt]: String(launch.attempt),
    [LABELS.contentHash]: contentHash(launch, instance),
  };
}

export function attemptAnnotations({ attemptId, experimentId, trialId }: AttemptRef): Record<string, string> {
  return {
    [ANNOTATIONS.attemptId]: attemptId,
    [ANNOTATIONS.experimentId]: experimentId,
    [ANNOTATIONS.trialId]: trialId,
  };
}

/** Null where the object is not an attempt of Lamina, or somebody has damaged what says so. */
export function attemptOf(metadata: V1ObjectMeta | undefined): AttemptRef | null {
  const { labels = {}, annotations = {} } = metadata ?? {};
  if (labels[LABELS.managedBy] !== MANAGED_BY) return null;
  const attempt = Number(labels[LABELS.attempt]);
  const attemptId = annotations[ANNOTATIONS.attemptId];
  const experimentId = annotations[ANNOTATIONS.experimentId];
  const trialId = annotations[ANNOTATIONS.trialId];
  if (!attemptId || !experimentId || !trialId || !Number.isSafeInteger(attempt) || attempt < 1) return null;
  return { experimentId, trialId, attempt, attemptId };
}

/** Label selector for all Jobs and pods of an installation, or for those of one experiment. */
export function attemptSelector(instance: string, experimentId: string | null = null): string {
  const labels = {
    ...attemptSelectorLabels(instance),
    ...(experimentId && { [LABELS.experiment]: labelValue(experimentId) }),
  };
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** 40 hex digits; see `LABELS.contentHash`. */
export function contentHash({ request }: AttemptLaunch<AttemptRequest>, instance: string): string {
  const { paths: _paths, eventsUrl: _eventsUrl, ...work } = request;
  return sha256(canonical({ instance, work })).slice(0, 40);
}

/** What all Jobs and pods of an installation have. */
export function attemptSelectorLabels(instance: string): Record<string, string> {
  return { [LABELS.managedBy]: MANAGED_BY, [LABELS.instance]: instance };
}

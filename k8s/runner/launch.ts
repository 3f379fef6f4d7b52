/** Creates the Job of an attempt, or finds out that it is there already. */
import type { V1Job } from '@kubernetes/client-node';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import { type AttemptEnd, type AttemptLaunch, type AttemptRequest } from '@lamina/domain/contract/runner.ts';
import type { ClusterClient } from '../client/client.ts';
import { isClusterError } from '../client/errors.ts';
import { JOBS } from '../client/resources.ts';
import { quotaSentence } from '../diagnosis/pending/quota.ts';
import { LABELS } from '../labels.ts';
import { jobManifest } from '../manifests/job.ts';
import { ManifestProblem } from '../manifests/problem.ts';
import type { KubernetesSettings } from '../settings/settings.ts';
import { slimJob } from '../watch/slim.ts';
import { endNow } from './attempt-state.ts';

export type Launched =
  | { readonly job: V1Job }
  | { readonly end: AttemptEnd }
  /** The cluster does not take it yet: somebody has to make room or put something right. */
  | { readonly pendingReason: PendingReason };

/** Throws where the cluster cannot be spoken to, which says nothing about the attempt. */
export async function createOrAdopt(
  item: AttemptLaunch<AttemptRequest>,
  client: ClusterClient,
  settings: KubernetesSettings,
): Promise<Launched> {
  let manifest: V1Job;
  try {
    manifest = jobManifest(item, settings);
  } catch (error) {
    if (error instanceof ManifestProblem) return { end: endNow('invalid', error.message) };
    throw error;
  }
  for (let tries = 1; ; tries += 1) {
    try {
      return { job: slimJob(await client.create(JOBS, manifest)) };
    } catch (error) {
      const answer = answerTo(error, settings.namespace);
      if (answer !== null) return answer;
      if (!isClusterError(error, 'already-exists')) throw error;
      const found = await there(manifest, client);
      if (found !== null) return found;
      // Deleted in this moment: once more.
      if (tries === MAX_TRIES) throw error;
    }
  }
}

const MAX_TRIES = 3;

/** What follows from an error that says something about the attempt; null for any other. */
function answerTo(error: unknown, namespace: string): Launched | null {
  if (isClusterError(error, 'invalid', 'denied')) {
    return { end: endNow('invalid', `The cluster does not accept the Job: ${error.message}`) };
  }
  if (isClusterError(error, 'quota')) {
    return { pendingReason: { kind: 'unschedulable', text: quotaSentence(error.message) } };
  }
  if (isClusterError(error, 'lacks-permission')) {
    return { pendingReason: { kind: 'misconfigured', text: error.message } };
  }
  if (!isClusterError(error, 'not-found')) return null;
  const text = `The namespace "${namespace}" does not exist; create it, or correct namespace in the cluster settings.`;
  return { pendingReason: { kind: 'misconfigured', text } };
}

/** The Job that has the name; null where there is none any more. */
async function there(manifest: V1Job, client: ClusterClient): Promise<Launched | null> {
  try {
    const found = await client.get(JOBS, manifest.metadata?.name ?? '');
    const foreign = foreignTo(manifest, found);
    return foreign === null ? { job: slimJob(found) } : { end: endNow('invalid', foreign) };
  } catch (error) {
    if (isClusterError(error, 'not-found')) return null;
    throw error;
  }
}

/** Why a Job of the same name is not this attempt's; null where it is. */
export function foreignTo(manifest: V1Job, found: V1Job): string | null {
  const hash = (job: V1Job): string | undefined => job.metadata?.labels?.[LABELS.contentHash];
  if (hash(manifest) === hash(found)) return null;
  const { name, namespace } = found.metadata ?? {};
  return `Another Job has the name ${name} in namespace ${namespace}: it asks for something else. Delete it, or use another namespace or instance.`;
}

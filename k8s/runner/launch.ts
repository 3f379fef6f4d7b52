/** Creates the Job of an attempt, or finds out that it is there already. */
import type { V1Job } from '@kubernetes/client-node';
import type { AttemptEnd, AttemptLaunch } from '@lamina/domain/contract/runner.ts';
import type { ClusterClient } from '../client/client.ts';
import { isClusterError } from '../client/errors.ts';
import { JOBS } from '../client/resources.ts';
import { LABELS } from '../labels.ts';
import { jobManifest, jobName } from '../manifests/job.ts';
import { ManifestProblem } from '../manifests/problem.ts';
import type { KubernetesSettings } from '../settings.ts';
import { slimJob } from '../watch/slim.ts';
import { endNow } from './end-of.ts';

export type Launched =
  | { readonly job: V1Job }
  | { readonly end: AttemptEnd }
  /** The cluster will take it later: a quota is used up. */
  | { readonly later: string };

/** Throws where the cluster cannot be spoken to, which says nothing about the attempt. */
export async function createOrAdopt(
  item: AttemptLaunch,
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
  try {
    return { job: slimJob(await client.create(JOBS, manifest)) };
  } catch (error) {
    if (isClusterError(error, 'already-exists')) return adopt(item, manifest, client, settings);
    if (isClusterError(error, 'quota')) return { later: error.message };
    if (isClusterError(error, 'invalid', 'denied')) {
      return { end: endNow('invalid', `The cluster does not accept the Job: ${error.message}`) };
    }
    throw error;
  }
}

async function adopt(
  item: AttemptLaunch,
  manifest: V1Job,
  client: ClusterClient,
  settings: KubernetesSettings,
): Promise<Launched> {
  try {
    const found = await client.get(JOBS, jobName(item.attemptId));
    const foreign = foreignTo(manifest, found);
    return foreign === null ? { job: slimJob(found) } : { end: endNow('invalid', foreign) };
  } catch (error) {
    // Deleted in this moment: once more.
    if (isClusterError(error, 'not-found')) return createOrAdopt(item, client, settings);
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

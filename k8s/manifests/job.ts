/** The Job of an attempt. Pure: the same launch and settings give the same manifest. */
import type { V1Job } from '@kubernetes/client-node';
import type { AttemptLaunch, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import { LABELS } from '../labels.ts';
import { sha256 } from '../names.ts';
import type { KubernetesSettings } from '../settings/settings.ts';
import { FAILURE_POLICY } from './failure-policy.ts';
import { gpuRequest, podCount } from './gpu-class.ts';
import { attemptAnnotations, attemptLabels } from './identity.ts';
import { podSpec } from './pod.ts';
import { ManifestProblem } from './problem.ts';

/** Throws a ManifestProblem where the plan cannot be expressed. */
export function jobManifest(launch: AttemptLaunch<AttemptRequest>, settings: KubernetesSettings): V1Job {
  const { gpuClass, gpus } = launch.request.plan;
  const gpu = gpuRequest(gpuClass, settings);
  if (gpu === null) {
    throw new ManifestProblem(
      `The GPU class '${gpuClass}' is neither a class of the cluster's settings nor a product that a node can announce; \`lamina gpus\` lists those there are.`,
    );
  }
  const name = jobName(launch.attemptId);
  const pods = podCount(gpus, gpu.gpusPerPod);
  const labels = attemptLabels(launch, settings.instance);
  const annotations = attemptAnnotations(launch);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: settings.namespace,
      labels: { ...labels, ...(gpu.queue !== null && { [LABELS.queueName]: gpu.queue }) },
      annotations,
    },
    spec: {
      // Kueue lets it go when there is quota; to create a queued Job unsuspended is to go around the queue.
      ...(gpu.queue !== null && { suspend: true }),
      parallelism: pods,
      completions: pods,
      // Each of several pods has a number and a host name by it.
      ...(pods > 1 && { completionMode: 'Indexed' }),
      backoffLimit: 0,
      // A pod that is being deleted is still at work: it has its grace period to save a checkpoint.
      podReplacementPolicy: 'Failed',
      podFailurePolicy: FAILURE_POLICY,
      ...(launch.deadlineSeconds !== null && { activeDeadlineSeconds: Math.max(1, Math.ceil(launch.deadlineSeconds)) }),
      ttlSecondsAfterFinished: settings.ttlSeconds,
      template: {
        metadata: { labels, annotations },
        spec: podSpec(gpu.queue === null ? launch : restartable(launch), settings, gpu, { pods, jobName: name }),
      },
    },
  };
}

/** Kueue may take the pod of a running Job away, and start another one before the Job is deleted for that. */
function restartable(launch: AttemptLaunch<AttemptRequest>): AttemptLaunch<AttemptRequest> {
  // A generation always goes on with the answers that are there.
  const { request } = launch;
  return 'kind' in request ? launch : { ...launch, request: { ...request, resume: true } };
}

const PLAIN_ID = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/**
 * A Job's name is the value of a label of its pods, so it has at most 63 characters; pods add six, and cut what is too
 * long. Ids that fit are readable in it; others become a hash under a prefix that no readable one has.
 */
export function jobName(attemptId: string): string {
  const plain = `lamina-${attemptId}`;
  return PLAIN_ID.test(attemptId) && plain.length <= 57 ? plain : `laminah-${sha256(attemptId).slice(0, 40)}`;
}

/** What no scheduler can beat: a loop that creates Jobs, so many at a time, and waits for each. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Job } from '@kubernetes/client-node';
import { attemptRef } from '@lamina/domain/contract/attempt.ts';
import { sampleSettings } from '@lamina/domain/contract/testing/settings.ts';
import { JOBS } from '@lamina/k8s/client/resources.ts';
import { jobManifest } from '@lamina/k8s/manifests/job.ts';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { plannedTrials, plansOf } from '../../../support/planned.ts';
import { farmClient } from './farm.ts';

export interface Figures {
  readonly jobs: number;
  readonly seconds: number;
  readonly jobsPerSecond: number;
  readonly requestsPerJob: number | null;
}

export interface BareOptions {
  readonly kubeconfig: string;
  readonly settings: KubernetesSettings;
  readonly jobs: number;
  readonly parallel: number;
  /** Deletes each Job when it is complete, as a scheduler that leaves nothing behind must. */
  readonly cleanup: boolean;
}

export async function bareLoop({ kubeconfig, settings, jobs, parallel, cleanup }: BareOptions): Promise<Figures> {
  const client = farmClient(kubeconfig, settings);
  const manifests = manifestsFor(jobs, settings);
  const closing = new AbortController();
  const waiting = new Map<string, () => void>();
  const see = ({ metadata, status }: V1Job): void => {
    const complete = status?.conditions?.some((each) => each.type === 'Complete' && each.status === 'True');
    if (complete) waiting.get(metadata?.name ?? '')?.();
  };
  const watching = (async () => {
    while (!closing.signal.aborted) {
      try {
        const { items, resourceVersion } = await client.list(JOBS, {});
        items.forEach(see);
        for await (const { object } of client.watch<V1Job>(JOBS, {}, resourceVersion, closing.signal)) see(object);
      } catch (error) {
        // The server ends watches as it likes.
        if (!closing.signal.aborted)
          process.stderr.write(`the watch of the loop has ended: ${(error as Error).message}\n`);
        await sleep(100);
      }
    }
  })();

  const from = performance.now();
  const lane = async (): Promise<void> => {
    for (let manifest = manifests.pop(); manifest !== undefined; manifest = manifests.pop()) {
      const name = manifest.metadata?.name ?? '';
      const complete = new Promise<void>((resolve) => waiting.set(name, resolve));
      await client.create(JOBS, manifest);
      await complete;
      waiting.delete(name);
      if (cleanup) await client.remove(JOBS, name, { propagationPolicy: 'Background' });
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  const seconds = (performance.now() - from) / 1000;
  closing.abort();
  await watching;
  const requests = [...client.requests.values()].reduce((sum, count) => sum + count, 0);
  await client.close();
  return { jobs, seconds, jobsPerSecond: jobs / seconds, requestsPerJob: requests / jobs };
}

/** The Jobs that Lamina would create. */
export function manifestsFor(jobs: number, settings: KubernetesSettings): V1Job[] {
  return farmTrials(jobs, settings.namespace).map((trial) => {
    const ids = attemptRef(settings.namespace, { trialId: trial.id, attempt: 1 });
    const plan = plansOf([trial])[trial.cell.id];
    if (plan === undefined) throw new Error('no plan');
    const paths = { output: '/artifacts/output', checkpoints: '/artifacts/checkpoints', cache: '/artifacts/cache' };
    const request = { contract: 'lamina/v1', ...ids, settings: trial.settings, plan, resume: false, paths } as const;
    const launch = { ...ids, request: { ...request, eventsUrl: null }, token: 'token' };
    return jobManifest({ ...launch, deadlineSeconds: null, graceSeconds: 1 }, settings);
  });
}

/** Ten seeds a cell, one GPU each. */
export function farmTrials(count: number, salt: string) {
  const gpu = sampleSettings({ gpus: 1 });
  return plannedTrials(Math.ceil(count / 10), 10, salt)
    .slice(0, count)
    .map((trial) => ({ ...trial, settings: { ...trial.settings, gpus: gpu.gpus } }));
}

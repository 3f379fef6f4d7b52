/** Temporal's worker versioning: which build new runs start with. `docs/decisions/0024` says why it is as it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { WorkerLog } from './log.ts';

/** How a build becomes the one that new runs start with: by its first worker, or by somebody else. */
export const PROMOTIONS = ['first-start', 'manual'] as const;

export interface Deployment {
  /** Name that all builds share; unique in the namespace. */
  readonly name: string;
  readonly promotion: (typeof PROMOTIONS)[number];
}

/** Until a worker's first poll has made its build known to the server. */
const REGISTERED_WITHIN_MS = 30_000;

/**
 * Makes a build current that never was. One that was current before is left alone: a restarted pod of an old build, which
 * is there to finish its runs, must not take new ones back. A build that somebody ramps up is left alone, too.
 * @throws Error where the server does not know the build within half a minute, or has no worker deployments
 */
export async function promoteNewBuild(
  client: Client,
  { name, buildId }: { readonly name: string; readonly buildId: string },
  log: Pick<WorkerLog, 'info'>,
): Promise<void> {
  const { namespace } = client.options;
  const giveUpAt = performance.now() + REGISTERED_WITHIN_MS;
  for (;;) {
    try {
      const { workerDeploymentInfo: info, conflictToken } = await client.workflowService.describeWorkerDeployment({
        namespace,
        deploymentName: name,
      });
      const build = info?.versionSummaries?.find((one) => one.deploymentVersion?.buildId === buildId);
      if (build !== undefined) {
        if (build.firstActivationTime != null) return;
        await client.workflowService.setWorkerDeploymentCurrentVersion({
          ...{ namespace, deploymentName: name, buildId, conflictToken },
          identity: 'lamina-worker',
        });
        log.info({ deployment: name, buildId }, 'new runs start with this build');
        return;
      }
    } catch (error) {
      // Until the server has seen a first poll; or several workers of the build come up at once, and one is first.
      if (performance.now() > giveUpAt) throw error;
    }
    if (performance.now() > giveUpAt) throw new Error(`Temporal does not know build ${buildId} of deployment ${name}`);
    await sleep(200);
  }
}
